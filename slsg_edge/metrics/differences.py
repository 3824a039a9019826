"""What two detectors differ by on the same images, with a confidence interval on the difference.

Both see the same images, so what makes an image hard makes it hard for both: the interval of the
difference is much narrower than those of the two figures suggest. AUROC by DeLong, everything
else by drawing the same images again for both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slsg_edge.contracts import GOOD
from slsg_edge.metrics.curves import Array
from slsg_edge.metrics.image_figures import image_replicas
from slsg_edge.metrics.intervals import (
    LEVEL,
    NORMAL_QUANTILE,
    REPLICATES,
    Bootstrap,
    Figure,
    Replicas,
    delong,
)
from slsg_edge.metrics.pixel_figures import pixel_replicas
from slsg_edge.metrics.pixels import ScoredMaps


@dataclass(frozen=True, slots=True)
class Change:
    """A metric of both, and `difference`: the second minus the first, from -1 to 1."""

    first: float
    second: float
    difference: Figure

    @property
    def sure(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.difference.low > 0 or self.difference.high < 0


def delong_change(first: ArrayLike, second: ArrayLike, labels: ArrayLike) -> Change:
    """AUROC of two detectors by their scores of the same images.

    The difference is normal with the variance c11 + c22 - 2 c12 of `intervals.delong` (DeLong,
    DeLong and Clarke-Pearson, Biometrics 44:837, 1988, equation 5; Sun and Xu, IEEE Signal
    Processing Letters 21:1389, 2014). ValueError without both classes.
    """
    areas, covariance = delong(np.stack([np.asarray(first), np.asarray(second)]), labels)
    value = float(areas[1] - areas[0])
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    half = NORMAL_QUANTILE * float(np.sqrt(max(variance, 0.0)))  # rounding may leave -1e-20
    bounds = max(-1.0, value - half), min(1.0, value + half)
    return Change(float(areas[0]), float(areas[1]), Figure(value, *bounds))


def image_changes(
    first: ArrayLike,
    second: ArrayLike,
    kinds: Sequence[str],
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Change]:
    """Every image metric of two detectors' scores of the same images; AUROC by DeLong.

    ValueError without good or without defective images, or with a score that is not finite.
    """
    labels = [kind != GOOD for kind in kinds]
    auroc = delong_change(first, second, labels)
    found = _changes(
        *(image_replicas(scores, kinds, replicates, seed) for scores in (first, second))
    )
    return {**found, "image_auroc": auroc}


def auroc_change_by_kind(
    first: ArrayLike, second: ArrayLike, kinds: Sequence[str]
) -> dict[str, Change]:
    """Image AUROC of each kind of defect against all good images."""
    rows, names = np.stack([np.asarray(first), np.asarray(second)]), np.array(kinds)
    found = {}
    for kind in dict.fromkeys(kind for kind in kinds if kind != GOOD):
        chosen = np.isin(names, (GOOD, kind))
        one, other = rows[:, chosen]
        found[kind] = delong_change(one, other, names[chosen] == kind)
    return found


def error_changes(
    first: ArrayLike,
    second: ArrayLike,
    kinds: Sequence[str],
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Change]:
    """`false_alarms` and `misses` as shares, from which images each verdict is wrong on.

    One of them is left out where there are no such images.
    """
    wrong = np.stack([np.asarray(first, bool), np.asarray(second, bool)])
    good = np.array([kind == GOOD for kind in kinds], bool)
    chosen = {
        name: members
        for name, members in (("false_alarms", good), ("misses", ~good))
        if members.any()
    }

    def shares(mistakes: NDArray[Any]) -> Replicas:
        def of(draws: NDArray[np.int64]) -> Array:
            rates = [
                (draws * (mistakes & members)).sum(axis=1) / members.sum()
                for members in chosen.values()
            ]
            return np.stack(rates, axis=1)

        drawn = Bootstrap(kinds, replicates, seed).replicas(of)
        return Replicas(tuple(chosen), of(np.ones((1, len(kinds)), np.int64))[0], drawn)

    return _changes(*map(shares, wrong)) if chosen else {}


def pixel_changes(
    first: tuple[ScoredMaps, Sequence[int]],
    second: tuple[ScoredMaps, Sequence[int]],
    kinds: Sequence[str],
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Change]:
    """Every pixel metric that both have; the chosen maps of both are of the same images in order.

    `kinds`: of each of these images. ValueError without good or without defective pixels.
    """
    sides = (
        pixel_replicas(maps, kinds, chosen, replicates, seed) for maps, chosen in (first, second)
    )
    return _changes(*sides)


def _changes(first: Replicas, second: Replicas) -> dict[str, Change]:
    """Of the metrics that both have; equal seeds have drawn equal images for both."""
    shared = [name for name in first.names if name in second.names]
    return {name: _change(*first.of(name), *second.of(name)) for name in shared}


def _change(first: float, drawn: Array, second: float, drawn_too: Array) -> Change:
    outside = 100 * (1 - LEVEL) / 2
    low, high = np.nanpercentile(drawn_too - drawn, [outside, 100 - outside])
    return Change(first, second, Figure(second - first, float(low), float(high)))
