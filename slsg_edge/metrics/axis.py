"""Where a score stands on a chart, and how it is written.

Scores crowd near 0 and 1, so the axis is even in logits and labelled in scores.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from slsg_edge.scoring import LOGIT_LIMIT, logit

SMALLEST_SPAN = 2.0  # logits
LABEL_ROOM = 0.13  # of the width between two labels: 45 pixels on a phone
ENOUGH_TICKS = 4
DECADES = (1e-6, 1e-5, 1e-4, 0.001, 0.01, 0.1)
# The roundest first: the next ones count only where an axis has too few of these.
ROUND = (
    (0.5, *DECADES),
    tuple(0.1 * digit for digit in (2, 3, 4)) + tuple(0.5 * decade for decade in DECADES),
    tuple(decade * digit for decade in DECADES[:-1] for digit in (2, 3, 7)),
    (*tuple(decade * digit for decade in DECADES[:-1] for digit in (1.5, 4, 6, 8)), 0.15),
    tuple(decade * digit / 10 for decade in DECADES[2:] for digit in range(11, 100)),
)


@dataclass(frozen=True, slots=True)
class Axis:
    """Its ends in logits."""

    low: float
    high: float

    def place(self, score: float) -> float:
        """0 at the left end, 1 at the right one."""
        return (logit(score) - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Round scores, far enough apart to be labelled."""
        chosen: list[float] = []
        for scores in ROUND:
            both = {round(each, 9) for score in scores for each in (score, 1 - score)}
            for score in sorted(both):
                if self._has_room(score, chosen):
                    chosen.append(score)
            if len(chosen) >= ENOUGH_TICKS:
                break
        return sorted(chosen)

    def _has_room(self, score: float, chosen: Sequence[float]) -> bool:
        place = self.place(score)
        near = (abs(place - self.place(other)) for other in chosen)
        return 0.03 <= place <= 0.97 and min(near, default=1.0) >= LABEL_ROOM


def axis_of(scores: Iterable[float]) -> Axis:
    """An axis that goes a little beyond these scores, of which there is at least one."""
    values = [logit(score) for score in scores]
    low, high = min(values), max(values)
    margin = max(0.04 * (high - low), (SMALLEST_SPAN - (high - low)) / 2)
    return Axis(low - margin, high + margin)


def score_text(score: float) -> str:
    """With so many decimals that near 0 and 1, too, two figures tell it from its neighbours."""
    if score in (0, 1):
        return f"{score:.0f}"
    closest = max(min(score, 1 - score), LOGIT_LIMIT)
    return f"{score:.{max(4, 1 - math.floor(math.log10(closest)))}f}"
