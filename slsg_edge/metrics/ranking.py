"""How well scores tell defective from good, whatever the threshold: AUROC, AUPR, F1-max.

`labels` are true where defective. All need both classes, and finite scores; otherwise they
raise ValueError, and the caller leaves the number out and says why. Any shape, flattened; the
scores of 300 maps go through in one call.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slsg_edge.metrics import curves

Counts = NDArray[np.int64]

_CHUNK = 2**20  # defective scores looked up at a time, so that memory stays that of the scores


def auroc(scores: ArrayLike, labels: ArrayLike) -> float:
    """The area under the ROC curve, exact, with ties counted as one half.

    As the Mann-Whitney statistic, P(defective > good) + P(defective = good) / 2 (Hanley and
    McNeil, Radiology 143:29, 1982).
    """
    good, defective = _by_class(scores, labels)
    twice = 0
    for chunk in _chunks(defective):
        twice += int(np.searchsorted(good, chunk, "left").sum())
        twice += int(np.searchsorted(good, chunk, "right").sum())
    return twice / (2 * len(good) * len(defective))


def average_precision(scores: ArrayLike, labels: ArrayLike) -> float:
    """The area under the precision-recall curve (AUPR), exact, as a sum of steps.

    The mean over the defective of the precision when each of them is just found (Davis and
    Goadrich, ICML 2006, on why not the trapezoid).
    """
    good, defective = _by_class(scores, labels)
    total = 0.0
    for chunk in _chunks(defective):
        found = len(defective) - np.searchsorted(defective, chunk, "left")
        alarms = len(good) - np.searchsorted(good, chunk, "left")
        total += float((found / (found + alarms)).sum())
    return total / len(defective)


def f1_max(scores: ArrayLike, labels: ArrayLike) -> tuple[float, float]:
    """The best F1 over all thresholds, and the lowest threshold that gives it.

    `score > threshold` is defective, as in a verdict; so the threshold is the highest score that
    passes as good, or just below all scores.
    """
    values, good, defective = tally(scores, labels)
    f1 = curves.f1(good, defective)
    best = int(f1.argmax())
    below = values[best - 1] if best else np.nextafter(values[0], -np.inf)
    return float(f1[best]), float(below)


def good_kept(scores: ArrayLike, labels: ArrayLike, missed: float) -> float:
    """The share of good that pass at the highest threshold that misses at most `missed` (0 to 1).

    1 minus this is the false-alarm rate at that miss rate.
    """
    _, good, defective = tally(scores, labels)
    return float(curves.good_kept(good, defective, missed))


def tally(scores: ArrayLike, labels: ArrayLike) -> tuple[NDArray[Any], Counts, Counts]:
    """The distinct scores, ascending, and how many good and how many defective have each."""
    good, defective = _by_class(scores, labels)
    values, inverse = np.unique(np.concatenate([good, defective]), return_inverse=True)
    parts = np.split(inverse.ravel(), [len(good)])
    counts = [np.bincount(part, minlength=len(values)).astype(np.int64) for part in parts]
    return values, counts[0], counts[1]


def require_both(good: int, defective: int) -> None:
    """ValueError when one of the classes is empty."""
    if not good or not defective:
        raise ValueError(
            f"needs good and defective; there are {good} good and {defective} defective"
        )


def _by_class(scores: ArrayLike, labels: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """The scores of good and of defective, flat and ascending."""
    flat = np.asarray(scores).ravel()
    wanted = np.asarray(labels, dtype=bool).ravel()
    if flat.shape != wanted.shape:
        raise ValueError(f"{len(flat)} scores but {len(wanted)} labels")
    good, defective = flat[~wanted], flat[wanted]
    require_both(len(good), len(defective))
    for part in (good, defective):
        part.sort()
        if not np.isfinite(part[[0, -1]]).all():  # sorted, NaN is last and -inf is first
            raise ValueError("a score is not finite")
    return good, defective


def _chunks(ascending: NDArray[Any]) -> list[NDArray[Any]]:
    """Sorted needles are several times faster to look up, and parts of them stay sorted."""
    return [ascending[start : start + _CHUNK] for start in range(0, len(ascending), _CHUNK)]
