"""How much a picture differs from another where it differs most, without a sensor's noise."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Image

_TILES = 16  # along each side, at most
_FINE = 4
_SIDE = 16  # pixels of a tile, at least: the mean over fewer would be noisy


def tiles_of(image: Image) -> NDArray[np.float32]:
    """Mean grey levels of the tiles that the picture is divided into.

    What moves crosses the edge of a tile, so that the mean of a tile changes; noise does not
    change it.
    """
    import cv2

    rows, columns = (max(min(_TILES, side // _SIDE), 1) for side in image.shape[:2])
    # first to means of bytes, which is fast, and then to means of many of them, whose rounding
    # does not matter
    size = columns * _FINE, rows * _FINE
    fine = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    parts = fine.reshape(rows, _FINE, columns, _FINE, -1)
    return cast("NDArray[np.float32]", parts.mean((1, 3, 4), np.float32))


def change(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The change of the tile that changed most; infinite between pictures of different sizes."""
    return float(np.abs(one - other).max()) if one.shape == other.shape else float("inf")
