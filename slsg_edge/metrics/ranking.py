"""How well scores tell defective from good, whatever the threshold: AUROC and F1-max.

`labels` are true where defective. Both need both classes, and finite scores; otherwise they
raise ValueError, and the caller leaves the number out and says why.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = NDArray[np.int64]

# Of the 32 bits of a score these lowest are dropped: 12 bits of fraction stay, a resolution of
# 1 in 4096 of any score, and the 0 to 1 of float32 falls into 520193 bins.
_DROPPED_BITS = 11
_BINS = (int(np.float32(1).view(np.uint32)) >> _DROPPED_BITS) + 1


def auroc(scores: ArrayLike, labels: ArrayLike) -> float:
    """The area under the ROC curve, exact, with ties counted as one half.

    As the Mann-Whitney statistic, P(defective > good) + P(defective = good) / 2 (Hanley and
    McNeil, Radiology 143:29, 1982). Any shape, flattened.
    """
    good, defective = _by_class(scores, labels)
    good.sort()
    defective.sort()  # searchsorted is several times faster on sorted needles
    below = int(np.searchsorted(good, defective, "left").sum())
    not_above = int(np.searchsorted(good, defective, "right").sum())
    return (below + not_above) / (2 * len(good) * len(defective))


def f1_max(scores: ArrayLike, labels: ArrayLike) -> tuple[float, float]:
    """The best F1 over all thresholds, and the lowest threshold that gives it.

    `score > threshold` is defective, as in a verdict; so the threshold is the highest score that
    passes as good, or just below all scores.
    """
    good, defective = _by_class(scores, labels)
    values, counts = _distinct(good, defective)
    # found[i]: defective among those of value i and above, as each value is let in from the top
    found = counts[1][::-1].cumsum()[::-1]
    flagged = counts.sum(axis=0)[::-1].cumsum()[::-1]
    f1 = 2 * found / (flagged + len(defective))
    best = int(f1.argmax())
    below = values[best - 1] if best else np.nextafter(values[0], -np.inf)
    return float(f1[best]), float(below)


@dataclass(frozen=True, slots=True)
class PixelRanking:
    """AUROC over the pixels of any number of maps, in memory that does not grow with them.

    Counts float32 scores from 0 to 1 in bins of 1/4096 of their value; those within a bin count
    as tied, which moves the area by less than 1e-4.
    """

    good: Counts = field(default_factory=lambda: np.zeros(_BINS, np.int64))
    defective: Counts = field(default_factory=lambda: np.zeros(_BINS, np.int64))

    def add(self, scores: NDArray[np.float32], labels: NDArray[np.bool_]) -> None:
        """Scores outside 0 to 1, or not finite, are a ValueError."""
        if not (scores.size == 0 or (scores.min() >= 0 and scores.max() <= 1)):
            raise ValueError("a pixel score is not between 0 and 1")
        # the bits of non-negative floats are in the order of their values; + 0 turns -0 into 0
        positions = (scores.astype(np.float32) + np.float32(0)).view(np.uint32) >> _DROPPED_BITS
        self.good[:] += np.bincount(positions[~labels], minlength=_BINS)
        self.defective[:] += np.bincount(positions[labels], minlength=_BINS)

    def auroc(self) -> float:
        """ValueError while one of the classes has no pixel."""
        good, defective = int(self.good.sum()), int(self.defective.sum())
        _require_both(good, defective)
        twice_below = 2 * (self.good.cumsum() - self.good) + self.good
        return float(np.dot(twice_below.astype(np.float64), self.defective)) / (
            2 * good * defective
        )


def _by_class(scores: ArrayLike, labels: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Copies of the scores of good and defective, flat."""
    flat = np.asarray(scores).ravel()
    wanted = np.asarray(labels, dtype=bool).ravel()
    if flat.shape != wanted.shape:
        raise ValueError(f"{len(flat)} scores but {len(wanted)} labels")
    if not np.isfinite(flat).all():
        raise ValueError("a score is not finite")
    good, defective = flat[~wanted], flat[wanted]
    _require_both(len(good), len(defective))
    return good, defective


def _require_both(good: int, defective: int) -> None:
    if not good or not defective:
        raise ValueError(f"needs good and defective, has {good} good and {defective} defective")


def _distinct(good: NDArray[Any], defective: NDArray[Any]) -> tuple[NDArray[Any], Counts]:
    """The distinct scores, ascending, and (2, values): how many good and defective have each."""
    values, inverse = np.unique(np.concatenate([good, defective]), return_inverse=True)
    counts = [
        np.bincount(part, minlength=len(values)) for part in np.split(inverse.ravel(), [len(good)])
    ]
    return values, np.stack(counts).astype(np.int64)
