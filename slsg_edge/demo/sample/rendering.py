"""Pictures of a product: its colours in even light, then the light and noise of an exposure.

The two are kept apart so that a damaged module and its flawless twin get the same light and the
same noise. Knows nothing about what is a defect.
"""

import numpy as np

from slsg_edge.contracts import Image
from slsg_edge.demo.sample.housing import paint_belt, paint_housing
from slsg_edge.demo.sample.pieces import paint_piece
from slsg_edge.demo.sample.product import Exposure, Product
from slsg_edge.demo.sample.shapes import product_grid, window
from slsg_edge.demo.sample.surface import Canvas

NOISE = 1.8  # grey levels
# How far a piece and its shadow reach from its middle, whatever way it is turned.
REACH = {"screw": 0.1, "fuse": 0.125, "label": 0.22, "button": 0.1}


def paint_product(product: Product, size: int) -> Canvas:
    """(size, size, 3): the colours of a module on the belt."""
    canvas = paint_belt(product, size)
    grid = product_grid(product.pose, size)
    paint_housing(canvas, grid, product)
    for piece in product.pieces:
        area = window(grid, piece.x, piece.y, REACH[piece.kind])
        own = grid.cropped(area).turned(piece.x, piece.y, piece.angle)
        paint_piece(canvas[area], own, piece, product.serial)
    return canvas


def expose(canvas: Canvas, exposure: Exposure) -> Image:
    """What the camera makes of colours: light, warmth, noise, 8 bits."""
    along = np.linspace(-1, 1, canvas.shape[0], dtype=np.float32)
    light = exposure.gain + exposure.slope[0] * along[None] + exposure.slope[1] * along[:, None]
    warmth = np.array([1 - exposure.warmth, 1, 1 + exposure.warmth], np.float32)
    rng = np.random.default_rng(exposure.noise)
    noise = rng.standard_normal(canvas.shape, np.float32) * np.float32(NOISE)
    lit = canvas * light[..., None].astype(np.float32) * warmth + noise
    return np.asarray(np.clip(np.rint(lit), 0, 255), dtype=np.uint8)
