"""How far another backend or precision may be from the reference and still be the same detector.

A bundle's manifest holds these numbers, so that they can be tightened or loosened for one product
before the bundle is signed. Knows nothing about how a difference is measured: `bundle.golden`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from slsg_edge.config import require_shares
from slsg_edge.contracts import Precision


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Limits over the golden frames: absolute differences at most, the rank correlation at least.

    map_mean, map_p999: of the pixels. score: of the image scores. rank: Spearman's, of the scores.
    """

    map_mean: float
    map_p999: float
    score: float
    rank: float

    def __post_init__(self) -> None:
        require_shares("A tolerance", self.map_mean, self.map_p999, self.score, self.rank)


# On the golden frames of `edge`, 1500 iterations on juice_bottle. For scale: one grey level of
# noise on each pixel moves a map by 2.9e-3 in the mean and 0.21 at 99.9 %, a score by 0.10.
# fp32: measured 4e-8, 2e-6 and 1e-6; on other images a near tie among neighbours falls the other
# way now and then, so single pixels may move more than the mean.
# fp16: with every result rounded. It may cost what a grey level does.
# int8: measured 4.1e-3, 0.29 and 0.19 by OpenVINO with max ranges. Scores move as a whole, which a
# threshold of their own makes good, so their size is not judged.
# Where scores stay, their limit says more than a rank. Where they move, two of eight frames that
# are neighbours in rank and swap cost 0.024, and good frames score much alike.
DEFAULTS: Mapping[str, Tolerance] = {
    "fp32": Tolerance(map_mean=1e-4, map_p999=1e-2, score=1e-3, rank=0.0),
    "fp16": Tolerance(map_mean=3e-3, map_p999=0.2, score=0.1, rank=0.0),
    "int8": Tolerance(map_mean=1e-2, map_p999=0.6, score=1.0, rank=0.8),
}


def tolerance_of(
    tolerances: Mapping[str, Tolerance], backend: str, precision: Precision
) -> Tolerance:
    """A backend's own, else its precision's, else the default."""
    return tolerances.get(backend) or tolerances.get(precision) or DEFAULTS[precision]
