"""What a missed defect and a false alarm cost, and what that makes of an operating point."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slsg_edge.config import require

if TYPE_CHECKING:
    from slsg_edge.scoring import OperatingPoint

FEWEST_DEFECTS = 8  # to choose by: one more or less missed is an eighth of them
DEFECT_RATE = 0.01


@dataclass(frozen=True, slots=True)
class Costs:
    """miss: of a defect that passes; false_alarm: of a good part that is rejected, in one unit.

    defect_rate: the share of all parts of the line that are defective.
    """

    miss: float
    false_alarm: float
    defect_rate: float = DEFECT_RATE

    def __post_init__(self) -> None:
        for name, cost in (("miss", self.miss), ("false alarm", self.false_alarm)):
            require(
                0 < cost < float("inf"),
                f"The cost of a {name} is {cost:g}.",
                "Give a number above 0, such as 100 for a miss where a false alarm costs 1.",
            )
        require(
            0 < self.defect_rate < 1,
            f"The defect rate {self.defect_rate:g} is not between 0 and 1.",
            "Give the share of all parts that are defective, such as 0.01.",
        )

    def expected(self, point: "OperatingPoint") -> float | None:
        """Cost a part; None of a point that no defect was counted at."""
        if not point.defects or point.missed is None:
            return None
        misses = self.defect_rate * self.miss * point.missed / point.defects
        return misses + (1 - self.defect_rate) * self.false_alarm * point.false_alarm_rate
