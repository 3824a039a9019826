"""What a detector says of good images that it did not learn from, for the threshold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slsg_edge.contracts import SimulatedScore


@dataclass(frozen=True, slots=True)
class OutOfSample:
    """Scores that are worth as much as those of new parts.

    good: by the number of the image. simulated: of anomalies simulated in such images.
    """

    good: Mapping[int, float]
    simulated: tuple[SimulatedScore, ...]


def joined(parts: Sequence[OutOfSample]) -> OutOfSample:
    """Of different images."""
    good = {image: score for part in parts for image, score in part.good.items()}
    return OutOfSample(good, tuple(each for part in parts for each in part.simulated))
