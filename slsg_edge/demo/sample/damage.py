"""Structural damage to a module: a scratch, a stain, a piece broken off.

A `StructuralDamage` says what and where; `paint_damage` changes the colours of an undamaged
module. Knows nothing about rules.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from slsg_edge.demo.sample.housing import HOLE, HOUSING, housing_edge
from slsg_edge.demo.sample.product import COLOURS, Piece, Product
from slsg_edge.demo.sample.shapes import Field, Grid, coverage, disc, outline_of, path, product_grid
from slsg_edge.demo.sample.surface import Canvas, Colour, grain, paint, shade

FRACTURE: Colour = (236, 240, 240)
OIL = np.array((0.45, 0.62, 0.74), np.float32)  # of the light that a stain lets through, BGR
BENDS = 12  # straight pieces of a scratch


@dataclass(frozen=True, slots=True)
class StructuralDamage:
    """`extent` is a length or a radius in image widths; `piece` is what broke, if no housing."""

    kind: str
    x: float
    y: float
    extent: float
    angle: float
    seed: int
    piece: Piece | None = None


def random_damage(kind: str, product: Product, rng: np.random.Generator) -> StructuralDamage:
    """A damage of this kind somewhere on `product`."""
    seed, angle = int(rng.integers(0, 2**31)), float(rng.uniform(-180, 180))
    if kind == "chip":
        return _random_chip(product, rng, angle, seed)
    x, y = rng.uniform(0.25, 0.75, 2).tolist()
    smallest, largest = (0.25, 0.45) if kind == "scratch" else (0.055, 0.1)
    return StructuralDamage(kind, x, y, float(rng.uniform(smallest, largest)), angle, seed)


def paint_damage(canvas: Canvas, belt: Canvas, product: Product, damage: StructuralDamage) -> None:
    """`damage` on the colours of `product`, in place; `belt` is what lies behind."""
    grid = product_grid(product.pose, canvas.shape[0])
    DAMAGES[damage.kind](canvas, belt, grid, damage)


def _scratch(canvas: Canvas, belt: Canvas, grid: Grid, damage: StructuralDamage) -> None:
    rng = np.random.default_rng(damage.seed)
    turns = math.radians(damage.angle) + np.cumsum(rng.normal(0, 0.09, BENDS))
    step = damage.extent / BENDS
    line = np.cumsum(np.stack([np.cos(turns), np.sin(turns)], 1) * step, axis=0)
    line += np.array([damage.x, damage.y]) - line.mean(0)
    points = tuple((float(x), float(y)) for x, y in line)
    width = float(rng.uniform(0.0035, 0.006))
    inside = coverage(housing_edge(grid), grid.pixel)
    burr = coverage(path(grid, points) - np.float32(2 * width), 2 * grid.pixel) * inside
    paint(canvas, 0.55 * burr, FRACTURE)
    shade(canvas, coverage(path(grid, points) - np.float32(width), grid.pixel) * inside, 0.6)


def _stain(canvas: Canvas, belt: Canvas, grid: Grid, damage: StructuralDamage) -> None:
    blob = _ragged(grid, damage, 0.3)
    inside = coverage(housing_edge(grid), grid.pixel)
    film = coverage(blob, 0.012) * (0.75 + 0.25 * np.exp(-np.abs(blob) / 0.01)) * inside
    canvas *= 1 - film[..., None] * (1 - OIL)


def _chip(canvas: Canvas, belt: Canvas, grid: Grid, damage: StructuralDamage) -> None:
    whole = housing_edge(grid) if damage.piece is None else outline_of(damage.piece, grid)
    broken = _ragged(grid, damage, 0.22)
    inside = coverage(whole, 2 * grid.pixel)
    paint(canvas, coverage(broken - np.float32(0.012), grid.pixel) * inside, _fracture(damage))
    gone = coverage(broken, grid.pixel)
    if damage.piece is not None:
        paint(canvas, gone * inside, HOLE)
        return
    # the shadow that the whole housing cast goes with the piece that cast it
    around = coverage(whole - np.float32(0.03), 0.02)
    paint(canvas, gone * around, belt * np.float32(0.8))


def _fracture(damage: StructuralDamage) -> Colour:
    """Broken plastic is paler than its surface."""
    if damage.piece is None:
        return FRACTURE
    blue, green, red = COLOURS[damage.piece.colour]
    return (blue + 255) / 2, (green + 255) / 2, (red + 255) / 2


def _ragged(grid: Grid, damage: StructuralDamage, roughness: float) -> Field:
    """Distance to a disc with an irregular edge."""
    rng = np.random.default_rng(damage.seed)
    size = grid.x.shape[0]
    edge = grain(rng, size, damage.extent / 3) + 0.25 * grain(rng, size, damage.extent / 12)
    smooth = disc(grid.turned(damage.x, damage.y, 0), damage.extent)
    return np.asarray(smooth + np.float32(roughness * damage.extent / 2) * edge)


def _random_chip(
    product: Product, rng: np.random.Generator, angle: float, seed: int
) -> StructuralDamage:
    """Half of the time a corner of the housing, else a corner of a fuse."""
    right, down = (float(sign) for sign in rng.choice((-1, 1), 2))
    if rng.random() < 0.5:
        half_width, half_height, _ = HOUSING
        x, y = 0.5 + right * (half_width - 0.01), 0.5 + down * (half_height - 0.01)
        return StructuralDamage("chip", x, y, float(rng.uniform(0.07, 0.11)), angle, seed)
    fuses = [piece for piece in product.pieces if piece.kind == "fuse"]
    fuse = fuses[int(rng.integers(len(fuses)))]
    x, y = fuse.x + right * 0.055, fuse.y + down * 0.055
    return StructuralDamage("chip", x, y, float(rng.uniform(0.055, 0.075)), angle, seed, fuse)


DAMAGES: dict[str, Callable[[Canvas, Canvas, Grid, StructuralDamage], None]] = {
    "scratch": _scratch,
    "stain": _stain,
    "chip": _chip,
}
