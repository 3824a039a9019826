"""What two detectors differ by on the same images, with a confidence interval on the difference.

Both see the same images, so what makes an image hard makes it hard for both: the interval of the
difference is much narrower than those of the two figures suggest. AUROC by DeLong, everything
else by drawing the same images again for both: every bootstrap here has the default seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slsg_edge.contracts import GOOD
from slsg_edge.metrics.curves import Array
from slsg_edge.metrics.image_figures import image_replicas
from slsg_edge.metrics.intervals import (
    CONFIDENCE_LEVEL,
    NORMAL_QUANTILE,
    REPLICATES,
    Bootstrap,
    Figure,
    Replicas,
    delong,
)
from slsg_edge.metrics.pixel_figures import pixel_replicas
from slsg_edge.metrics.pixels import ScoredMaps

ERRORS = ("false_alarms", "misses")  # of the good images, and of the defective ones


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
    first: ArrayLike, second: ArrayLike, kinds: Sequence[str], replicates: int = REPLICATES
) -> dict[str, Change]:
    """Every image metric of two detectors' scores of the same images; AUROC by DeLong.

    ValueError without good or without defective images, or with a score that is not finite.
    """
    auroc = delong_change(first, second, [kind != GOOD for kind in kinds])
    replicas = [image_replicas(scores, kinds, replicates) for scores in (first, second)]
    return {**_changes(*replicas), "image_auroc": auroc}


def auroc_change_by_kind(
    first: ArrayLike, second: ArrayLike, kinds: Sequence[str]
) -> dict[str, Change]:
    """Image AUROC of each kind of defect against all good images."""
    scores, names = np.stack([np.asarray(first), np.asarray(second)]), np.array(kinds)
    changes = {}
    for kind in dict.fromkeys(kind for kind in kinds if kind != GOOD):
        chosen = np.isin(names, (GOOD, kind))
        first_scores, second_scores = scores[:, chosen]
        changes[kind] = delong_change(first_scores, second_scores, names[chosen] == kind)
    return changes


def error_changes(
    first: ArrayLike, second: ArrayLike, kinds: Sequence[str], replicates: int = REPLICATES
) -> dict[str, Change]:
    """`false_alarms` and `misses` as shares, from which images each verdict is wrong on.

    One of them is left out where there are no such images.
    """
    good = np.array([kind == GOOD for kind in kinds], bool)
    groups = {name: group for name, group in zip(ERRORS, (good, ~good), strict=True) if group.any()}
    if not groups:
        return {}
    bootstrap = Bootstrap(kinds, replicates)
    return _changes(
        *(_error_replicas(np.asarray(wrong, bool), groups, bootstrap) for wrong in (first, second))
    )


def _error_replicas(
    wrong: NDArray[np.bool_], groups: Mapping[str, NDArray[np.bool_]], bootstrap: Bootstrap
) -> Replicas:
    """The share of wrong verdicts in each group of images, and of images drawn again."""

    def shares(draws: NDArray[np.int64]) -> Array:
        """(replicates, groups)"""
        rates = [(draws * (wrong & group)).sum(axis=1) / group.sum() for group in groups.values()]
        return np.stack(rates, axis=1)

    (exact,) = shares(np.ones((1, len(wrong)), np.int64))
    return Replicas(tuple(groups), exact, bootstrap.replicas(shares))


def pixel_changes(
    first: tuple[ScoredMaps, Sequence[int]],
    second: tuple[ScoredMaps, Sequence[int]],
    kinds: Sequence[str],
    replicates: int = REPLICATES,
) -> dict[str, Change]:
    """Every pixel metric that both have; the chosen maps of both are of the same images in order.

    `kinds`: of each of these images. ValueError without good or without defective pixels.
    """
    replicas = [pixel_replicas(maps, kinds, chosen, replicates) for maps, chosen in (first, second)]
    return _changes(*replicas)


def _changes(first: Replicas, second: Replicas) -> dict[str, Change]:
    """Of the metrics that both have; equal seeds have drawn equal images for both."""
    shared = [name for name in first.names if name in second.names]
    return {name: _change(*first.of(name), *second.of(name)) for name in shared}


def _change(first: float, first_drawn: Array, second: float, second_drawn: Array) -> Change:
    outside = 100 * (1 - CONFIDENCE_LEVEL) / 2
    low, high = np.nanpercentile(second_drawn - first_drawn, [outside, 100 - outside])
    return Change(first, second, Figure(second - first, float(low), float(high)))
