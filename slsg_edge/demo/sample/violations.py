"""Broken rules: edits of a product's description, each of which `broken_rules` must notice.

Every piece is whole and looks as it should; only its number, colour or place is wrong. Expects
the pieces in the order of `SLOTS`, as `normal_product` gives them.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from slsg_edge.demo.sample.product import SPARE, Piece, Product

FUSES = (4, 5, 6, 7)
LABEL = 8
BUTTON = 9
FUSE_COLOURS = ("red", "yellow", "blue", "green")


def violate(product: Product, kind: str, rng: np.random.Generator) -> Product:
    """`product` with one rule broken."""
    return VIOLATIONS[kind](product, rng)


def _missing(product: Product, rng: np.random.Generator) -> Product:
    gone = int(rng.integers(len(product.pieces)))
    return replace(product, pieces=product.pieces[:gone] + product.pieces[gone + 1 :])


def _extra(product: Product, rng: np.random.Generator) -> Product:
    """A fuse in the spare socket, or a screw lying about on the label."""
    if rng.random() < 0.7:
        fuse = Piece("fuse", _one_of(FUSE_COLOURS, rng), *SPARE, float(rng.uniform(-1.5, 1.5)))
        return replace(product, pieces=(*product.pieces, fuse))
    label = product.pieces[LABEL]
    x, y = label.x + float(rng.uniform(-0.1, 0.1)), label.y + float(rng.uniform(-0.02, 0.03))
    screw = Piece("screw", "steel", x, y, float(rng.uniform(-180, 180)))
    return replace(product, pieces=(*product.pieces, screw))


def _wrong_colour(product: Product, rng: np.random.Generator) -> Product:
    where = int(rng.choice((*FUSES, BUTTON)))
    piece = product.pieces[where]
    colours = tuple(colour for colour in FUSE_COLOURS if colour != piece.colour)
    return _with(product, {where: replace(piece, colour=_one_of(colours, rng))})


def _swapped(product: Product, rng: np.random.Generator) -> Product:
    first, second = (int(where) for where in rng.choice(FUSES, 2, replace=False))
    one, other = product.pieces[first], product.pieces[second]
    return _with(
        product,
        {
            first: replace(one, colour=other.colour, tint=other.tint),
            second: replace(other, colour=one.colour, tint=one.tint),
        },
    )


def _misplaced(product: Product, rng: np.random.Generator) -> Product:
    """A fuse in the spare socket or half out of its own, or a label stuck on askew or beside."""
    way = int(rng.integers(4))
    if way >= 2:
        return _moved(product, LABEL, _stuck_badly(product.pieces[LABEL], way == 3, rng))
    where = int(rng.choice(FUSES))
    fuse = product.pieces[where]
    if way == 0:
        return _moved(product, where, replace(fuse, x=SPARE[0], y=SPARE[1]))
    out = float(rng.uniform(0.05, 0.07)) * float(rng.choice((-1, 1)))
    return _moved(product, where, replace(fuse, y=fuse.y + out))


def _stuck_badly(label: Piece, askew: bool, rng: np.random.Generator) -> Piece:
    if askew:
        return replace(label, angle=float(rng.choice((-1, 1)) * rng.uniform(12, 20)))
    return replace(label, x=label.x + float(rng.uniform(0.08, 0.12)))


def _moved(product: Product, where: int, piece: Piece) -> Product:
    """The moved piece comes last: it lies on top of what it covers now."""
    others = product.pieces[:where] + product.pieces[where + 1 :]
    return replace(product, pieces=(*others, piece))


def _with(product: Product, changes: dict[int, Piece]) -> Product:
    pieces = (changes.get(index, piece) for index, piece in enumerate(product.pieces))
    return replace(product, pieces=tuple(pieces))


def _one_of(names: tuple[str, ...], rng: np.random.Generator) -> str:
    return names[int(rng.integers(len(names)))]


VIOLATIONS: dict[str, Callable[[Product, np.random.Generator], Product]] = {
    "missing": _missing,
    "extra": _extra,
    "wrong_colour": _wrong_colour,
    "swapped": _swapped,
    "misplaced": _misplaced,
}
