"""What is measured of a picture for drift: brightness, sharpness, and where things are on it.

Each is between 0 and 1. Only some pixels are looked at, each with its neighbours, so that it costs
the same for a picture of any size.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Image

NAMES = ("brightness", "sharpness", "horizontal", "vertical")
_GRID = 96  # pixels along each side that are looked at
_SHARPEST = 8.0  # a ratio that no real picture reaches


def looks_of(image: Image) -> Mapping[str, float] | None:
    """None for a picture that has no two pixels beside each other."""
    height, width = image.shape[:2]
    if min(height, width) < 2:
        return None
    down, across = max(1, height // _GRID), max(1, width // _GRID)
    green = image[..., 1]
    here = green[: height - 1 : down, : width - 1 : across].astype(np.int16)
    right = green[: height - 1 : down, 1::across][:, : here.shape[1]]
    below = green[1::down, : width - 1 : across][: here.shape[0]]
    change = (right - here).astype(np.float32) ** 2 + (below - here).astype(np.float32) ** 2
    x, y = _centre(change)
    return {
        "brightness": float(here.mean()) / 255,
        "sharpness": _sharpness(change, float(here.std())),
        "horizontal": x,
        "vertical": y,
    }


def _sharpness(change: NDArray[np.float32], contrast: float) -> float:
    """Of edges against the contrast, so that less light is not less sharp."""
    ratio = math.sqrt(float(change.mean())) / (contrast + 1)
    return min(1.0, math.log1p(ratio) / math.log1p(_SHARPEST))


def _centre(change: NDArray[np.float32]) -> tuple[float, float]:
    """Where the edges are on average; the middle of a picture without any."""
    total = float(change.sum())
    if total <= 0:
        return 0.5, 0.5
    rows, columns = change.shape
    x = float(change.sum(axis=0) @ np.arange(columns)) / total
    y = float(change.sum(axis=1) @ np.arange(rows)) / total
    return (x + 0.5) / columns, (y + 0.5) / rows
