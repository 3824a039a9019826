"""Paint on a canvas: cover, darken, bevel and grain, all in place and antialiased.

Knows nothing about what is painted.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from slsg_edge.demo.sample.shapes import Field, Grid, coverage

Canvas = NDArray[np.float32]
"""(h, w, 3) BGR, 0 to 255, in even light."""
Colour = tuple[float, float, float]

LIGHT_FROM = (-0.6, -0.8)  # the lamp stands at the top left


def paint(canvas: Canvas, cover: Field, colour: Colour | Canvas) -> None:
    """`colour`, one or one per pixel, over the canvas where `cover` is 1."""
    canvas += cover[..., None] * (np.asarray(colour, np.float32) - canvas)


def shade(canvas: Canvas, cover: Field, amount: float) -> None:
    """Takes the part `amount` of the light where `cover` is 1; a negative one adds light."""
    canvas *= (1 - np.float32(amount) * cover)[..., None]


def bevel(canvas: Canvas, grid: Grid, distance: Field, width: float, amount: float) -> None:
    """Lights the rim inside a shape on the lamp's side and darkens it on the other.

    A negative `amount` makes a recess of it.
    """
    down, right = np.gradient(distance, grid.pixel)
    facing = LIGHT_FROM[0] * right + LIGHT_FROM[1] * down
    rim = coverage(distance, grid.pixel) * np.clip(1 + distance / width, 0, 1)
    shade(canvas, np.asarray(rim * facing, dtype=np.float32), -amount)


def grain(rng: np.random.Generator, size: int, scale: float) -> Field:
    """(size, size) noise of about unit deviation, smooth over `scale` parts of the width."""
    sigma = scale * size
    if sigma < 0.4:
        return rng.standard_normal((size, size), np.float32)
    step = max(1, int(sigma / 2))  # smooth noise needs no fine grid
    coarse = rng.standard_normal((-(-size // step) + 1,) * 2, np.float32)
    blurred = cv2.GaussianBlur(coarse, (0, 0), sigma / step)
    field = cv2.resize(blurred, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field / max(float(field.std()), 1e-6), dtype=np.float32)
