"""What lies under the pieces: the belt, and the housing with its sockets and its print.

Knows nothing about the pieces themselves: an empty socket looks the same whoever left it empty.
"""

from functools import lru_cache

import cv2
import numpy as np

from slsg_edge.demo.sample.product import COLUMNS, ROWS, SPARE, Product
from slsg_edge.demo.sample.shapes import (
    BUTTON,
    FUSE,
    SCREW,
    Field,
    Grid,
    box,
    coverage,
    disc,
    window,
)
from slsg_edge.demo.sample.surface import Canvas, Colour, bevel, grain, paint, shade

HOUSING = (0.43, 0.405, 0.045)
TERMINALS = (0.398, 0.092, 0.02)
BELT: Colour = (78, 70, 58)
PLASTIC: Colour = (196, 201, 198)
ANTHRACITE: Colour = (74, 69, 66)
HOLE: Colour = (36, 33, 32)
CONTACT: Colour = (58, 84, 96)
CONTACT_AT = np.float32(0.02)  # left and right of the middle of a fuse
PRINT: Colour = (104, 100, 96)
FONT = cv2.FONT_HERSHEY_DUPLEX
RIBS = 40  # of the belt, per image width


def paint_belt(product: Product, size: int) -> Canvas:
    """(size, size, 3): what the camera sees without a module."""
    rng = np.random.default_rng([product.grain, 1])
    along = np.arange(size, dtype=np.float32) / size
    ribs = 3 * np.sin((along * RIBS + rng.uniform()) * 2 * np.pi)
    weave = 3 * grain(rng, size, 0.0025) + 2 * grain(rng, size, 0.06) + ribs[:, None]
    return np.asarray(weave[..., None] + np.array(BELT), dtype=np.float32)


def paint_housing(canvas: Canvas, grid: Grid, product: Product) -> None:
    """The module without its pieces, on the belt, in place."""
    rng = np.random.default_rng([product.grain, 2])
    shade(canvas, coverage(housing_edge(grid.turned(0.012, 0.016, 0)), 0.06), 0.55)
    edge = housing_edge(grid)
    surface = 1.6 * grain(rng, canvas.shape[0], 0.002) + grain(rng, canvas.shape[0], 0.1)
    paint(canvas, coverage(edge, grid.pixel), surface[..., None] + np.array(PLASTIC, np.float32))
    bevel(canvas, grid, edge, 0.014, 0.2)
    _paint_terminals(canvas, grid)
    _print(canvas, grid)
    _paint_sockets(canvas, grid)


def housing_edge(grid: Grid) -> Field:
    """Distance to the outer edge of the housing."""
    return box(grid.turned(0.5, 0.5, 0), *HOUSING)


def _paint_terminals(canvas: Canvas, grid: Grid) -> None:
    strip = box(grid.turned(0.5, ROWS[0], 0), *TERMINALS)
    paint(canvas, coverage(strip, grid.pixel), ANTHRACITE)
    bevel(canvas, grid, strip, 0.008, -0.35)


def _paint_sockets(canvas: Canvas, grid: Grid) -> None:
    for x in COLUMNS:
        _sink_disc(canvas, grid, (x, ROWS[0]), SCREW - 0.012)
    _sink_disc(canvas, grid, (COLUMNS[3], ROWS[2]), BUTTON - 0.004)
    for at in (*((x, ROWS[1]) for x in COLUMNS), SPARE):
        _sink_fuse(canvas, grid, at)


def _sink_disc(canvas: Canvas, grid: Grid, at: tuple[float, float], radius: float) -> None:
    area = window(grid, *at, 0.08)
    own = grid.cropped(area).turned(*at, 0)
    _sink(canvas[area], own, disc(own, radius))


def _sink_fuse(canvas: Canvas, grid: Grid, at: tuple[float, float]) -> None:
    area = window(grid, *at, 0.08)
    own = grid.cropped(area).turned(*at, 0)
    _sink(canvas[area], own, box(own, FUSE[0] - 0.006, FUSE[1] - 0.006, FUSE[2]))
    contacts = box(Grid(np.abs(own.x) - CONTACT_AT, own.y, own.pixel), 0.006, 0.024, 0.002)
    paint(canvas[area], coverage(contacts, own.pixel), CONTACT)


def _sink(canvas: Canvas, own: Grid, distance: Field) -> None:
    paint(canvas, coverage(distance, own.pixel), HOLE)
    bevel(canvas, own, distance, 0.012, -0.5)


def _print(canvas: Canvas, grid: Grid) -> None:
    size = canvas.shape[0]
    across, down = grid.x * size - np.float32(0.5), grid.y * size - np.float32(0.5)
    ink = cv2.remap(_artwork(size), across, down, cv2.INTER_LINEAR)
    paint(canvas, np.asarray(ink, dtype=np.float32), PRINT)


@lru_cache(maxsize=4)
def _artwork(size: int) -> Field:
    """(size, size), 1 where the housing is printed: a number below each fuse."""
    large = np.zeros((4 * size, 4 * size), np.uint8)
    unit = 4 * size
    for number, x in enumerate(COLUMNS, 1):
        at = (round((x - 0.013) * unit), round((ROWS[1] + 0.115) * unit))
        cv2.putText(large, str(number), at, FONT, unit / 800, 255, 4, cv2.LINE_AA)
    small = cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(small / np.float32(255), dtype=np.float32)
