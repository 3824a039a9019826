"""Where the product is, from grey levels alone, so that anomalies do not lie beside it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Image, Mask
from slsg_edge.synthesis.settings import REFERENCE_SIDE, ForegroundSettings

CORNER = 8  # pixels a side of the corners that `corners` looks at, at 256x256


def foreground_mask(image: Image, settings: ForegroundSettings) -> Mask:
    """(H, W), true on the product and inside `settings.keep`."""
    height, width = image.shape[:2]
    mask = _lit(image, settings).astype(np.uint8)
    mask = np.asarray(cv2.erode(mask, _kernel(settings.erode, height, width)), np.uint8)
    mask = np.asarray(cv2.dilate(mask, _kernel(settings.dilate, height, width)), np.uint8)
    return (mask > 0) & box_mask(height, width, settings.keep)


def box_mask(height: int, width: int, box: tuple[float, float, float, float]) -> Mask:
    """True inside top, bottom, left, right, given as fractions."""
    mask = np.zeros((height, width), np.bool_)
    top, bottom = (round(edge * height) for edge in box[:2])
    left, right = (round(edge * width) for edge in box[2:])
    mask[top:bottom, left:right] = True
    return mask


def _lit(image: Image, settings: ForegroundSettings) -> Mask:
    if settings.background == "none":
        return np.ones(image.shape[:2], np.bool_)
    if settings.background == "corners":
        return _unlike_corners(image, settings.threshold)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if settings.background == "bright":
        return np.asarray(grey < 255 - settings.threshold)
    return np.asarray(grey > settings.threshold)


def _unlike_corners(image: Image, threshold: int) -> Mask:
    side = max(1, CORNER * image.shape[0] // REFERENCE_SIDE)
    ends = (slice(None, side), slice(-side, None))
    corners = np.stack([image[rows, columns] for rows in ends for columns in ends])
    mean = corners.mean((0, 1, 2))
    return np.asarray(np.abs(image - mean).max(-1) > threshold)


def _kernel(size: tuple[int, int], height: int, width: int) -> NDArray[np.uint8]:
    scaled = (
        max(1, round(size[0] * height / REFERENCE_SIDE)),
        max(1, round(size[1] * width / REFERENCE_SIDE)),
    )
    return np.ones(scaled, np.uint8)
