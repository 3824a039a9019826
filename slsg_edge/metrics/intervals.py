"""Confidence intervals: the bootstrap over images for any metric, DeLong for image AUROC, and the
exact one for a count.

Images are what a line sees one by one; pixels of one image are not independent, so whole images
are drawn, never pixels. An interval of no width means that these images show no spread, as when
good and defective separate perfectly, and not that more images would show none.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slsg_edge.metrics.combinations import log_combinations
from slsg_edge.metrics.curves import Array
from slsg_edge.metrics.ranking import require_both

REPLICATES = 1000
CONFIDENCE_LEVEL = 0.95
NORMAL_QUANTILE = 1.959963984540054  # of CONFIDENCE_LEVEL, two-sided
_BATCH = 100  # replicates at a time, so that memory does not grow with their number


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric and its 95 % confidence interval."""

    value: float
    low: float
    high: float


Figures: TypeAlias = Mapping[str, Figure | None]
"""A figure by the name of its metric; None where the data set does not say enough to have it."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Draws images with replacement, as many of each stratum as there are (Efron and Tibshirani,
    An Introduction to the Bootstrap, 1993, chapter 13). Equal seeds draw equal images.

    `strata`: the kind of each image, so that no replicate lacks the good or a kind of defect.
    """

    strata: Sequence[str]
    replicates: int = REPLICATES
    seed: int = 0

    def draws(self) -> Iterator[NDArray[np.int64]]:
        """Batches of (replicates, images): how often each image is drawn."""
        rng = np.random.default_rng(self.seed)
        kinds = np.array(self.strata)
        for start in range(0, self.replicates, _BATCH):
            draws = np.zeros((min(_BATCH, self.replicates - start), len(kinds)), np.int64)
            for kind in dict.fromkeys(self.strata):
                members = np.flatnonzero(kinds == kind)
                equal = np.full(len(members), 1 / len(members))
                draws[:, members] = rng.multinomial(len(members), equal, size=len(draws))
            yield draws

    def replicas(self, metric: Callable[[NDArray[np.int64]], Array]) -> Array:
        """The metric (replicates,) of every draw; (replicates, metrics) where it gives several."""
        return np.concatenate([metric(draws) for draws in self.draws()])


@dataclass(frozen=True, slots=True)
class Replicas:
    """Metrics by name: `exact` (metrics,), and `drawn` (replicates, metrics) of images drawn again.

    Two detectors on the same images with equal seeds have drawn the same images.
    """

    names: Sequence[str]
    exact: Array
    drawn: Array

    def of(self, name: str) -> tuple[float, Array]:
        """The value of one metric and its replicates."""
        place = self.names.index(name)
        return float(self.exact[place]), self.drawn[:, place]

    def figures(self) -> dict[str, Figure]:
        """Each with its interval."""
        return {name: percentile_figure(*self.of(name)) for name in self.names}


def percentile_figure(value: float, replicas: Array, level: float = CONFIDENCE_LEVEL) -> Figure:
    """The interval between the percentiles of the replicates, which are from 0 to 1.

    A replicate that has none, as when it drew no region, is NaN and left out.
    """
    outside = 100 * (1 - level) / 2
    low, high = np.nanpercentile(np.clip(replicas, 0, 1), [outside, 100 - outside])
    return Figure(value, float(low), float(high))


def exact_share(count: int, total: int) -> Figure:
    """The share `count` of `total`, with the exact interval for a binomial count.

    Clopper and Pearson, Biometrika 26:404, 1934: the shares that would give so many or more, and
    so many or fewer, with a probability of 2.5 % each. ValueError without any.
    """
    if not 0 <= count <= total or not total:
        raise ValueError(f"{count} of {total} is no share")
    low = 0.0 if count == 0 else 1 - _upper_share(total - count, total)
    high = 1.0 if count == total else _upper_share(count, total)
    return Figure(count / total, low, high)


def _upper_share(count: int, total: int) -> float:
    """The share that gives at most `count` of `total` with a probability of 2.5 %.

    By bisection on the logarithm of the sum.
    """
    hits = np.arange(count + 1)
    ways = log_combinations(total)[hits]
    wanted = np.log((1 - CONFIDENCE_LEVEL) / 2)
    low, high = count / total, 1.0
    while high - low > 1e-12:
        share = (low + high) / 2
        terms = ways + hits * np.log(share) + (total - hits) * np.log1p(-share)
        low, high = (share, high) if np.logaddexp.reduce(terms) > wanted else (low, share)
    return (low + high) / 2


def delong(scores: ArrayLike, labels: ArrayLike) -> tuple[Array, Array]:
    """AUROC (K,) of K detectors' scores (K, N) of the same images, and their covariance (K, K).

    DeLong, DeLong and Clarke-Pearson, Biometrics 44:837, 1988, by the ranks of Sun and Xu, IEEE
    Signal Processing Letters 21:1389, 2014. The variance of a difference of two AUROC is
    c[0, 0] + c[1, 1] - 2 c[0, 1].
    """
    rows = np.atleast_2d(np.asarray(scores, np.float64))
    wanted = np.asarray(labels, dtype=bool)
    good, defective = rows[:, ~wanted], rows[:, wanted]
    require_both(good.shape[1], defective.shape[1])
    if not np.isfinite(rows).all():
        raise ValueError("a score is not finite")
    wins = [_wins(*scores) for scores in zip(defective, good, strict=True)]
    losses = [1 - _wins(*scores) for scores in zip(good, defective, strict=True)]
    covariance = _covariance(wins) / defective.shape[1] + _covariance(losses) / good.shape[1]
    return np.mean(wins, axis=1), covariance


def delong_figure(scores: ArrayLike, labels: ArrayLike) -> Figure:
    """AUROC with DeLong's normal interval; Newcombe's where the classes separate perfectly."""
    (value,), ((variance,),) = delong(scores, labels)
    wanted = np.asarray(labels, dtype=bool)
    if variance == 0:
        low, high = _newcombe(float(value), int((~wanted).sum()), int(wanted.sum()))
    else:
        half = NORMAL_QUANTILE * float(np.sqrt(variance))
        low, high = max(0.0, value - half), min(1.0, value + half)
    return Figure(float(value), float(low), float(high))


def _wins(scores: NDArray[Any], others: NDArray[Any]) -> Array:
    """For each score the share of others below it, ties as one half."""
    ascending = np.sort(others)
    below = np.searchsorted(ascending, scores, "left") + np.searchsorted(ascending, scores, "right")
    return np.asarray(below / (2 * len(others)))


def _covariance(rows: Sequence[Array]) -> Array:
    if len(rows[0]) < 2:
        return np.zeros((len(rows), len(rows)))
    return np.atleast_2d(np.cov(rows))


def _newcombe(value: float, good: int, defective: int) -> tuple[float, float]:
    """All areas that lie within the normal quantile of `value` by their own variance.

    Newcombe, Statistics in Medicine 25:559, 2006, method 5, whose variance is Hanley and
    McNeil's with both sample sizes replaced by their mean.
    """
    areas = np.linspace(0, 1, 100001)
    pairs = (good + defective) / 2 - 1
    spread = 1 + pairs * (1 - areas) / (2 - areas) + pairs * areas / (1 + areas)
    variance = areas * (1 - areas) * spread / (good * defective)
    within = areas[(areas - value) ** 2 <= NORMAL_QUANTILE**2 * variance + 1e-15]
    return float(within[0]), float(within[-1])
