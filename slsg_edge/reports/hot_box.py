"""A box around what an anomaly map is hottest at: what a person points a finger at."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import AnomalyMap, Mask

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""

FAINTEST = 1e-3  # of a map that runs from 0 to 1: below this range nothing stands out


def hot_box(heat: AnomalyMap, mask: Mask | None = None) -> Box | None:
    """Around the spot with the highest value, down to half way between that and the median.

    None where nothing stands out, or where `mask` says that the defect lies elsewhere.
    """
    usual, highest = float(np.median(heat)), float(heat.max())
    if not highest - usual > FAINTEST:
        return None
    spot = _spot_of_highest(heat, (usual + highest) / 2)
    if mask is not None and not (spot & mask).any():
        return None
    rows, columns = np.flatnonzero(spot.any(1)), np.flatnonzero(spot.any(0))
    top, left = int(rows[0]), int(columns[0])
    return left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1


def _spot_of_highest(heat: AnomalyMap, level: float) -> NDArray[np.bool_]:
    import cv2

    _, labels = cv2.connectedComponents((heat >= level).astype(np.uint8))
    place = np.unravel_index(int(np.argmax(heat)), heat.shape)
    return np.asarray(labels == labels[place])
