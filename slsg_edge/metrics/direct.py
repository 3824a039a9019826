"""PRO and saturated PRO as they are defined: every map cut and counted again at every threshold.

What the fast ways are tested and timed against; slow, and easy to check by eye.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slsg_edge.contracts import Channel, Mask
from slsg_edge.metrics.curves import Array

Scene: TypeAlias = tuple[NDArray[Any], Sequence[Channel]]
"""A map (H, W) and the defects on it."""


@dataclass(frozen=True, slots=True)
class Curve:
    """At each threshold, from the highest down; above the first of them nothing is found."""

    false_positive_rate: Array
    pro: Array
    spro: Array

    def area(self, overlap: Array, limit: float) -> float:
        """The trapezoid under `pro` or `spro` up to a false-positive rate, divided by it."""
        rate = self.false_positive_rate
        last = int(np.searchsorted(rate, limit, "left"))  # the first point at or past the limit
        share = (limit - rate[last - 1]) / (rate[last] - rate[last - 1])
        at_limit = overlap[last - 1] + share * (overlap[last] - overlap[last - 1])
        x, y = np.append(rate[:last], limit), np.append(overlap[:last], at_limit)
        return float((np.diff(x) * (y[1:] + y[:-1])).sum() / 2 / limit)


def direct_curve(scenes: Sequence[Scene], thresholds: ArrayLike) -> Curve:
    """`thresholds` descending; a pixel is found when its score is above."""
    points = [direct_rates(scenes, value) for value in np.asarray(thresholds)]
    return Curve(*np.array(points).T)


def direct_rates(scenes: Sequence[Scene], threshold: float) -> tuple[float, float, float]:
    """False-positive rate, PRO and sPRO at one threshold; needs a saturation of every defect."""
    alarms, good, pro, spro = 0, 0, [], []
    for scores, channels in scenes:
        found, union = scores > threshold, _union(scores, channels)
        alarms += int((found & ~union).sum())
        good += int((~union).sum())
        pro += [(found & region).sum() / region.sum() for region in _regions(union)]
        spro += [_saturated(found & channel.mask, channel.saturation) for channel in channels]
    return alarms / good, float(np.mean(pro)), float(np.mean(spro))


def _saturated(found: Mask, saturation: int | None) -> float:
    if saturation is None:
        raise ValueError("a defect has no saturation")
    return min(float(found.sum()) / saturation, 1.0)


def _union(scores: NDArray[Any], channels: Sequence[Channel]) -> Mask:
    union = np.zeros(scores.shape, bool)
    for channel in channels:
        union |= channel.mask
    return union


def _regions(mask: Mask) -> list[Mask]:
    import cv2

    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return [np.asarray(labels == region) for region in range(1, count)]
