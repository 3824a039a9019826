"""What a detector says of good images that it did not learn from, for the threshold."""

from collections.abc import Mapping
from dataclasses import dataclass

from slsg_edge.synthesis.simulated import SimulatedScore


@dataclass(frozen=True, slots=True)
class OutOfSample:
    """Scores that are worth as much as those of new parts.

    good: by the number of the image. simulated: of anomalies simulated in such images.
    """

    good: Mapping[int, float]
    simulated: tuple[SimulatedScore, ...]
