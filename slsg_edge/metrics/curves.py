"""What all thresholds together say, from how many good and defective have each score.

Counts are `(..., V)` over V distinct scores in ascending order; every function reduces the last
axis, so that the replicates of a bootstrap go through at once. A score shared by several is a
tie: all of them enter together, and between two scores a curve is linear.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]


def covered(above: ArrayLike, with_ties: ArrayLike, limit: float) -> Array:
    """How much of the false-positive rates from 0 to `limit` a score is found at.

    `above`: the false-positive rate just above the score, `with_ties`: the one at it. Found at
    none below the first, at all past the second, and linearly in between: the trapezoid that
    this score adds under a curve over the false-positive rate.
    """
    start, stop = np.asarray(above, np.float64), np.asarray(with_ties, np.float64)
    end = np.minimum(stop, limit)
    ramp = np.maximum(end - start, 0)
    width = np.maximum(stop - start, np.finfo(np.float64).tiny)
    return np.asarray(limit - end + ramp * (ramp / width) / 2)


def area(good: NDArray[Any], weight: NDArray[Any], limit: float = 1.0) -> Array:
    """The area under the curve of found weight over the false-positive rate, up to `limit`.

    Divided by `limit`, so from 0 to 1. Weight 1 per defective: AUROC. Weight 1/area per pixel of
    a region: AUPRO (Bergmann et al., The MVTec Anomaly Detection Dataset, IJCV 129, 2021).
    """
    total = good.sum(axis=-1, keepdims=True)
    not_above = good.cumsum(axis=-1)
    parts = covered((total - not_above) / total, (total - not_above + good) / total, limit)
    with np.errstate(invalid="ignore"):  # no weight, no area: NaN
        return np.asarray((parts * weight).sum(axis=-1) / weight.sum(axis=-1) / limit)


def average_precision(
    good: NDArray[Any], defective: NDArray[Any], mixed: NDArray[np.bool_] | None = None
) -> Array:
    """The area under the precision-recall curve as a sum of steps, without interpolation.

    AP = sum over scores of (recall gained there) * (precision there), as scikit-learn has it.
    `mixed` marks those of the V that are bins of many scores.
    """
    found, flagged = _from_the_top(defective), _from_the_top(defective + good)
    parts = defective * found / np.maximum(flagged, 1)
    if mixed is not None:
        parts = np.where(mixed, _mixed_precision(good, defective, found, flagged), parts)
    with np.errstate(invalid="ignore"):  # no defective, no precision: NaN
        return np.asarray(parts.sum(axis=-1) / defective.sum(axis=-1))


def _mixed_precision(
    good: NDArray[Any], defective: NDArray[Any], found: NDArray[Any], flagged: NDArray[Any]
) -> Array:
    """What a bin of g good and d defective adds when they lie in it evenly mixed.

    With f found and a false alarms above the bin, the integral of x / (x + a + (x - f) g / d) for
    x from f to f + d (Davis and Goadrich, ICML 2006, section 4).
    """
    within = defective + good
    share = defective / np.maximum(within, 1)
    before = np.maximum(flagged - within, 1)  # with nothing above the bin, `past` is 0 too
    past = share * (flagged - within) - (found - defective)
    return np.asarray(share * (defective - past * np.log(np.maximum(flagged, 1) / before)))


def f1(good: NDArray[Any], defective: NDArray[Any]) -> Array:
    """(..., V): the F1 score when each score and all above it are called defective.

    2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall (van Rijsbergen,
    Information Retrieval, 1979, chapter 7).
    """
    found = _from_the_top(defective)
    flagged = found + _from_the_top(good)
    return np.asarray(2 * found / (flagged + defective.sum(axis=-1, keepdims=True)))


def good_kept(good: NDArray[Any], defective: NDArray[Any], missed: float) -> Array:
    """The share of good that pass when at most the share `missed` of the defective do.

    `score > threshold` is defective, as in a verdict; the threshold is as high as `missed` lets.
    It is the specificity at a fixed sensitivity of 1 - `missed` (Pepe, The Statistical Evaluation
    of Medical Tests, 2003, section 4.3), read off the ROC curve's corners, never between them.
    """
    # a share such as 0.3 of 10 must let 3 pass, whatever its binary form
    may_pass = missed * defective.sum(axis=-1, keepdims=True) + 1e-9
    allowed = defective.cumsum(axis=-1) <= may_pass
    passing = np.where(allowed, good.cumsum(axis=-1), 0).max(axis=-1)
    return np.asarray(passing / good.sum(axis=-1))


def false_alarm_rate(good: NDArray[Any], defective: NDArray[Any], missed: float) -> Array:
    """The share of good called defective when at most the share `missed` of defective pass."""
    return np.asarray(1 - good_kept(good, defective, missed))


def _from_the_top(counts: NDArray[Any]) -> NDArray[Any]:
    """How many have each score or a higher one."""
    return counts[..., ::-1].cumsum(axis=-1)[..., ::-1]
