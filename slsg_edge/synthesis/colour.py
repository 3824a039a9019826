"""Colour changes of uint8 images in OpenCV's 8-bit HSV: hue 0 to 179, the rest 0 to 255."""

import cv2
import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Image


def jitter(
    rng: np.random.Generator,
    image: Image,
    brightness: float,
    contrast: float = 0.0,
    saturation: float = 0.0,
    hue: float = 0.0,
) -> Image:
    """Each strength s draws a factor from U(1 - s, 1 + s); hue a shift of U(-s, s) turns."""
    gain, spread = _factor(rng, brightness), _factor(rng, contrast)
    # contrast keeps the mean grey level; with brightness it is one tone curve
    mean = float(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).mean()) if contrast else 0.0
    levels = np.arange(256, dtype=np.float32)
    image = apply_curve(image, np.clip((levels - mean) * spread + mean, 0, 255) * gain)
    if not saturation and not hue:
        return image
    return shift_hue_saturation(
        image, turn=rng.uniform(-hue, hue), saturation=_factor(rng, saturation)
    )


def apply_curve(image: Image, curve: NDArray[np.floating]) -> Image:
    """A tone curve of 256 values, or one for each channel as (256, 1, 3)."""
    table = np.clip(np.rint(curve), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), dtype=np.uint8)


def shift_hue_saturation(
    image: Image, turn: float = 0.0, saturation: float = 1.0, offset: float = 0.0
) -> Image:
    """Hue turned by `turn` (1 is once around), saturation scaled, then moved by `offset`."""
    levels = np.arange(256, dtype=np.float32)
    curves = np.stack(((levels + turn * 180) % 180, levels * saturation + offset, levels), -1)
    hsv = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2HSV), dtype=np.uint8)
    changed = apply_curve(hsv, np.floor(curves[:, None]))
    return np.asarray(cv2.cvtColor(changed, cv2.COLOR_HSV2BGR), dtype=np.uint8)


def _factor(rng: np.random.Generator, strength: float) -> float:
    return max(0.0, rng.uniform(1 - strength, 1 + strength))
