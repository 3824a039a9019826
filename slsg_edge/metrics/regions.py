"""Scores region by region: the connected parts of a mask, as the per-region overlap needs them.

PRO weighs every region alike, however large (Bergmann et al., The MVTec Anomaly Detection
Dataset, IJCV 129, 2021, section 4.2): at a threshold it is the mean over all regions of the share
of a region's pixels above it. AUPRO is the area under PRO over the false-positive rate up to 0.3,
divided by 0.3.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Mask

PRO_LIMIT = 0.3


def region_scores(scores: NDArray[Any], mask: Mask) -> list[NDArray[Any]]:
    """The scores in each part of `mask` that hangs together, diagonally too; ascending."""
    import cv2

    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    if count == 1:
        return []
    inside = np.asarray(labels)[mask]
    if count <= 2**16:
        inside = inside.astype(np.uint16)  # NumPy sorts 16 bits by radix
    order = np.argsort(inside, kind="stable")
    ends = np.bincount(inside)[1:].cumsum()
    return [np.sort(part) for part in np.split(scores[mask][order], ends[:-1])]
