"""Median and the range that nine in ten values lie in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Spread:
    """5 %, 50 % and 95 % of the values lie at or below."""

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.0f}-{self.high:.0f}"


def spread_of(values: Sequence[float]) -> Spread | None:
    """None of no values."""
    if not values:
        return None
    low, median, high = (float(value) for value in np.quantile(values, (0.05, 0.5, 0.95)))
    return Spread(low, median, high)
