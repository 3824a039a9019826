"""Where a part is anomalous: the pixels above a threshold, and what hangs together among them.

The definition that the kernel `mask` is held against, and what a computer without a GPU runs.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from slsg_edge.contracts import AnomalyMap, Mask
from slsg_edge.preprocessing import Roi

_NEIGHBOURS = 8  # pixels that touch at a corner belong together


@dataclass(frozen=True, slots=True)
class Defect:
    """A connected part of a mask.

    area: in pixels of the map.
    box: the smallest around it, in pixels of the map.
    """

    area: int
    box: Roi


def mask_of(anomaly_map: AnomalyMap, threshold: float) -> Mask:
    """Pixels above `threshold`, in float32 as on a GPU; NaN is never above."""
    return np.asarray(anomaly_map > np.float32(threshold))


def defects_in(mask: Mask) -> list[Defect]:
    """The largest first, then from top left to bottom right."""
    _, _, parts, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=_NEIGHBOURS
    )
    return largest_first(Defect(int(area), Roi(*map(int, box))) for *box, area in parts[1:])


def largest_first(defects: Iterable[Defect]) -> list[Defect]:
    """In the one order that all backends give."""
    return sorted(defects, key=_order)


def _order(defect: Defect) -> tuple[int, ...]:
    box = defect.box
    return (-defect.area, box.y, box.x, box.height, box.width)
