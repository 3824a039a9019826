"""Plane geometry over a grid of pixels: signed distances (negative inside) and their coverage.

A shape drawn from its distance is antialiased at every size, shift and turn. Knows nothing about
colours.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from slsg_edge.demo.sample.product import Piece, Pose

Field = NDArray[np.float32]
"""(h, w), one number per pixel."""
Window = tuple[slice, slice]

# Half width, half height and corner radius of what is a box, radius of what is a disc.
FUSE = (0.067, 0.067, 0.014)
LABEL = (0.172, 0.078, 0.006)
SCREW = 0.064
BUTTON = 0.067


@dataclass(frozen=True, slots=True)
class Grid:
    """The product's own coordinates of pixel centres, and the width of a pixel in them."""

    x: Field
    y: Field
    pixel: float

    def turned(self, x: float, y: float, angle: float) -> "Grid":
        """The same pixels seen from (x, y), turned by `angle` degrees."""
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        right, down = self.x - x, self.y - y
        return Grid(right * cos + down * sin, down * cos - right * sin, self.pixel)

    def cropped(self, window: Window) -> "Grid":
        return Grid(self.x[window], self.y[window], self.pixel)


def product_grid(pose: Pose, size: int) -> Grid:
    """The grid of a square image on which the product lies in `pose`."""
    along = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
    x, y = np.meshgrid(along, along)
    turned = Grid(x, y, 1 / size).turned(0.5 + pose.x, 0.5 + pose.y, pose.angle)
    return Grid(turned.x + np.float32(0.5), turned.y + np.float32(0.5), turned.pixel)


def window(grid: Grid, x: float, y: float, reach: float) -> Window:
    """The rectangle of pixels that holds everything within `reach` of (x, y)."""
    # a turned grid is linear in the pixel: step along both axes, then solve for (x, y)
    across = np.array([grid.x[0, 1] - grid.x[0, 0], grid.y[0, 1] - grid.y[0, 0]], np.float64)
    away = np.array([x - grid.x[0, 0], y - grid.y[0, 0]]) / grid.pixel**2
    column, row = float(away @ across), float(away @ np.array([-across[1], across[0]]))
    half = reach * float(np.abs(across).sum()) / grid.pixel**2
    return _within(row, half, grid.x.shape[0]), _within(column, half, grid.x.shape[1])


def _within(middle: float, half: float, length: int) -> slice:
    return slice(max(0, math.floor(middle - half)), min(length, math.ceil(middle + half) + 1))


def box(grid: Grid, half_width: float, half_height: float, radius: float) -> Field:
    """Distance to a rounded rectangle around the origin."""
    right = np.abs(grid.x) - np.float32(half_width - radius)
    down = np.abs(grid.y) - np.float32(half_height - radius)
    outside = np.hypot(np.maximum(right, 0), np.maximum(down, 0))
    return np.asarray(outside + np.minimum(np.maximum(right, down), 0) - np.float32(radius))


def disc(grid: Grid, radius: float) -> Field:
    """Distance to a disc around the origin."""
    return np.asarray(np.hypot(grid.x, grid.y) - np.float32(radius))


def path(grid: Grid, points: tuple[tuple[float, float], ...]) -> Field:
    """Distance to the line through `points`, never negative."""
    nearest = np.full(grid.x.shape, np.inf, np.float32)
    for (x0, y0), (x1, y1) in pairwise(points):
        dx, dy = x1 - x0, y1 - y0
        share = ((grid.x - x0) * dx + (grid.y - y0) * dy) / max(dx * dx + dy * dy, 1e-12)
        share = np.clip(share, 0, 1)
        away = np.hypot(grid.x - x0 - share * dx, grid.y - y0 - share * dy)
        nearest = np.minimum(nearest, away.astype(np.float32))
    return nearest


def coverage(distance: Field, pixel: float) -> Field:
    """How much of each pixel lies inside, 0 to 1; a larger `pixel` gives a softer edge."""
    return np.asarray(np.clip(0.5 - distance / np.float32(pixel), 0, 1))


def outline_of(piece: Piece, grid: Grid) -> Field:
    """Distance to the outer edge of a piece."""
    own = grid.turned(piece.x, piece.y, piece.angle)
    if piece.kind == "screw":
        return disc(own, SCREW)
    if piece.kind == "button":
        return disc(own, BUTTON)
    return box(own, *(FUSE if piece.kind == "fuse" else LABEL))
