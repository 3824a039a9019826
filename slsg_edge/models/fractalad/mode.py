"""Object or texture: ours, where the official code lists the categories by name.

A product that lies where the one before it lay looks alike from image to image at each place; a
texture has nothing to do with the place. So the share of what varies within images that the place
alone accounts for decides.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

# Cells a side whose mean colours are compared.
GRID = 32
# Measured: bottle 0.99, juice_bottle 0.84, magnetic_tile 0.38, crops of one texture at most 0.01.
OBJECT_SHARE = 0.5
SAMPLE = 64  # images


def aligned_share(frames: NDArray[np.uint8]) -> float:
    """Of the variance within images (N, H, W, 3), the share that their mean image has.

    Near 1 for a product in its fixture, near 0 for a texture; N images of noise have 1 / N of it
    by chance, which is taken off. 0 for images without any variance.
    """
    size = (GRID, GRID)
    cells = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames])
    cells = cells.astype(np.float32)
    cells -= cells.mean((1, 2), keepdims=True)
    total = float(np.square(cells).mean())
    mean = float(np.square(cells.mean(0)).mean())
    by_chance = total / len(cells)
    return (mean - by_chance) / (total - by_chance) if total > 0 and len(cells) > 1 else 0.0
