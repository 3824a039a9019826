"""How far the values of a tensor reach, and where an INT8 scale should clip them.

Histograms of absolute values, fed a piece at a time, so memory does not grow with the number of
images. Knows nothing about graphs or images, only arrays.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from slsg_edge.errors import DatasetError

Counts: TypeAlias = NDArray[np.float64]
Method: TypeAlias = Literal["max", "mse", "percentile", "entropy"]

BINS = 2048
LEVELS = 127  # INT8 is symmetric: -127 to 127, zero at 0
PERCENTILE = 99.99  # of the absolute values
CANDIDATES = 128  # clipping values tried, evenly from 1 / CANDIDATES of the largest value to it
SMOOTHING = 1e-4  # share of the rounded distribution that is spread evenly
SMALLEST = 1e-8  # a tensor of zeros still needs a scale above 0


class Histogram:
    """Absolute values of one tensor in BINS bins from 0 to `top`, which doubles as they grow.

    `largest` is exact; a value lies at most one bin's width from its bin's centre.
    """

    def __init__(self) -> None:
        self.counts: Counts = np.zeros(BINS)
        self.top = 0.0
        self.largest = 0.0
        self._sum = 0.0

    def add(self, values: NDArray[np.floating[Any]], what: str = "a tensor") -> None:
        """DatasetError for NaN or infinity, naming `what` it was found in."""
        magnitudes = np.abs(values, dtype=np.float32).ravel()
        largest = float(magnitudes.max(initial=0.0))
        if not np.isfinite(largest):  # NaN and infinity both reach the maximum
            raise DatasetError(
                f"Calibration met NaN or infinity in {what}.",
                fix="Train again with a lower learning rate, or take that image out.",
            )
        self.largest = max(self.largest, largest)
        self._sum += float(magnitudes.sum(dtype=np.float64))
        self._reach(largest)
        if self.top:
            places = (magnitudes * (BINS / self.top)).astype(np.int32)
            self.counts += np.bincount(np.minimum(places, BINS - 1, out=places), minlength=BINS)

    @property
    def mean(self) -> float:
        """Of the absolute values; 0 before there are any."""
        return self._sum / max(float(self.counts.sum()), 1.0)

    def centres(self) -> Counts:
        return (np.arange(BINS, dtype=np.float64) + 0.5) * (self.top / BINS)

    def _reach(self, largest: float) -> None:
        """Pairs of bins become one until `largest` fits, so that no count is ever split."""
        if self.top == 0:
            self.top = largest
        while self.top < largest:
            self.counts[: BINS // 2] = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts[BINS // 2 :] = 0
            self.top *= 2


def clipping_value(histogram: Histogram, method: Method) -> float:
    """The absolute value that becomes 127; the scale is this over 127. Above 0."""
    return max(METHODS[method](histogram), SMALLEST)


def drift(histograms: Mapping[str, Histogram], known: Mapping[str, Histogram]) -> float:
    """How far the mean activation lies from that of known images: the median over tensors.

    |mean / known - 1|, as 0.07 for 7 %, over tensors that `known` has values in.
    """
    shares = [
        abs(histograms[name].mean / histogram.mean - 1)
        for name, histogram in known.items()
        if histogram.mean > 0
    ]
    return float(np.median(shares)) if shares else 0.0


def _max(histogram: Histogram) -> float:
    return histogram.largest


def _percentile(histogram: Histogram) -> float:
    """The smallest bin's end that holds PERCENTILE of the values."""
    shares = np.cumsum(histogram.counts) / max(histogram.counts.sum(), 1)
    place = int(np.searchsorted(shares, PERCENTILE / 100))
    return min((place + 1) * histogram.top / BINS, histogram.largest)


def _mse(histogram: Histogram) -> float:
    """The least mean squared error between values and their rounded, clipped selves."""
    values = histogram.centres()
    candidates = np.linspace(1 / CANDIDATES, 1, CANDIDATES) * histogram.largest
    errors = [_squared_error(values, histogram.counts, value) for value in candidates]
    return float(candidates[int(np.argmin(errors))])


def _squared_error(values: Counts, counts: Counts, clip: float) -> float:
    scale = max(clip, SMALLEST) / LEVELS
    rounded = np.minimum(np.round(values / scale), LEVELS) * scale
    return float((counts * (values - rounded) ** 2).sum())


def _entropy(histogram: Histogram) -> float:
    """The least Kullback-Leibler divergence of the clipped from the rounded distribution.

    Migacz, 8-bit inference with TensorRT (GTC 2017): values beyond the clip are counted in its
    last bin; the reference's empty bins stay empty in the rounded one.
    """
    counts = histogram.counts.copy()
    counts[0] = counts[1]  # the zeros behind a ReLU would outweigh everything else
    filled = int(np.flatnonzero(counts)[-1]) + 1 if counts.any() else 0
    if filled <= LEVELS + 1:
        return histogram.largest
    ends = np.unique(np.linspace(LEVELS + 1, filled, CANDIDATES).astype(int))
    divergences = [_divergence(counts, int(end)) for end in ends]
    best = int(ends[int(np.argmin(divergences))])
    return min(best * histogram.top / BINS, histogram.largest)


def _divergence(counts: Counts, end: int) -> float:
    """Of the first `end` bins spread over LEVELS + 1 levels."""
    reference = counts[:end].copy()
    reference[-1] += counts[end:].sum()
    filled = reference > 0
    level = np.arange(end) * (LEVELS + 1) // end
    totals = np.bincount(level, weights=counts[:end])
    spread = totals[level] / np.maximum(np.bincount(level, weights=filled), 1)[level]
    p, q = reference[filled] / reference.sum(), spread[filled] / max(spread[filled].sum(), 1)
    q = (1 - SMOOTHING) * q + SMOOTHING / len(q)  # or one empty level would be infinitely far
    return float((p * np.log(p / q)).sum())


METHODS: dict[Method, Callable[[Histogram], float]] = {
    "max": _max,
    "mse": _mse,
    "percentile": _percentile,
    "entropy": _entropy,
}
