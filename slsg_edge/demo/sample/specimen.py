"""One picture of the sample line and its truth: what was meant, what became of it, its mask.

Knows nothing about files. The same generator gives the same specimen at every size.
"""

from dataclasses import dataclass

import numpy as np

from slsg_edge.config import unknown_name
from slsg_edge.contracts import GOOD, Image, Mask
from slsg_edge.demo.sample.damage import DAMAGES, StructuralDamage, paint_damage, random_damage
from slsg_edge.demo.sample.housing import paint_belt
from slsg_edge.demo.sample.product import Exposure, Product, normal_exposure, normal_product
from slsg_edge.demo.sample.rendering import expose, paint_product
from slsg_edge.demo.sample.shapes import outline_of, product_grid
from slsg_edge.demo.sample.surface import Canvas
from slsg_edge.demo.sample.violations import VIOLATIONS, violate

STRUCTURAL = "structural_anomalies"
LOGICAL = "logical_anomalies"
DEFECTS: dict[str, tuple[str, ...]] = {
    GOOD: (),
    STRUCTURAL: tuple(DAMAGES),
    LOGICAL: tuple(VIOLATIONS),
}
"""The defects of each kind, as the folders of a data set call it."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """`product` differs from `intended` by a broken rule; `damage` comes on top."""

    intended: Product
    product: Product
    exposure: Exposure
    damage: StructuralDamage | None = None


def specimen(rng: np.random.Generator, defect: str | None = None) -> Specimen:
    """A module off the line: a good one, or one with `defect`."""
    intended, exposure = normal_product(rng), normal_exposure(rng)
    if defect is None:
        return Specimen(intended, intended, exposure)
    if defect in DAMAGES:
        damage = random_damage(defect, intended, rng)
        return Specimen(intended, intended, exposure, damage)
    if defect in VIOLATIONS:
        return Specimen(intended, violate(intended, defect, rng), exposure)
    raise unknown_name(defect, (*DAMAGES, *VIOLATIONS), what="defect")


def draw(part: Specimen, size: int) -> tuple[Image, Mask]:
    """(size, size, 3) and (size, size).

    The mask of damage is exactly the pixels that it changed; the mask of a broken rule is the
    area of every piece that is not as intended, where it is and where it should be.
    """
    canvas = paint_product(part.product, size)
    image = expose(paint_specimen(part, size, canvas), part.exposure)
    if part.damage is not None:
        return image, np.asarray((image != expose(canvas, part.exposure)).any(2))
    return image, _places(part, size)


def paint_specimen(part: Specimen, size: int, undamaged: Canvas | None = None) -> Canvas:
    """(size, size, 3): the colours of a module with all its faults, before light and noise."""
    canvas = paint_product(part.product, size) if undamaged is None else undamaged
    if part.damage is None:
        return canvas
    damaged = canvas.copy()
    paint_damage(damaged, paint_belt(part.product, size), part.product, part.damage)
    return damaged


def _places(part: Specimen, size: int) -> Mask:
    grid = product_grid(part.product.pose, size)
    mask = np.zeros((size, size), bool)
    for piece in {*part.intended.pieces} ^ {*part.product.pieces}:
        mask |= outline_of(piece, grid) <= 0
    return mask
