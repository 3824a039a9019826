"""Whether two lists of scores put the same things in the same order, whatever their size."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rank_correlation(scores: ArrayLike, others: ArrayLike) -> float | None:
    """Spearman's rho with mean ranks for ties, -1 to 1; None where one of them is all ties."""
    first, second = _mean_ranks(np.asarray(scores)), _mean_ranks(np.asarray(others))
    first, second = first - first.mean(), second - second.mean()
    spread = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum() / spread) if spread else None


def _mean_ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    _, group, sizes = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    return np.asarray((last - (sizes - 1) / 2)[group.ravel()], np.float64)
