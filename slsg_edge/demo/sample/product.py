"""The product of the sample line, as a description: a fuse module seen from above, and its rules.

Lengths are parts of the image width, angles are degrees clockwise. Knows nothing about pixels:
`rendering` draws what stands here, and a rule violation is an edit of it.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["screw", "fuse", "label", "button"]

# BGR
COLOURS: dict[str, tuple[float, float, float]] = {
    "steel": (186, 184, 180),
    "red": (48, 44, 190),
    "yellow": (38, 186, 232),
    "blue": (178, 98, 36),
    "green": (78, 142, 44),
    "orange": (28, 112, 232),
    "white": (226, 228, 228),
}
COLUMNS = (0.215, 0.405, 0.595, 0.785)
ROWS = (0.245, 0.485, 0.735)
SPARE = (COLUMNS[2], ROWS[2])
"""The spare socket, which stays empty."""

RULES = (
    "Four steel screws stand in the top row. They may be turned to any angle.",
    "Four fuses stand in the middle row: red, yellow, blue, green, from left to right.",
    "The label sticks at the bottom left, parallel to the housing. Its serial number is free.",
    "The button at the bottom right is orange.",
    "The spare socket between the label and the button is empty, and nothing lies anywhere else.",
)
# How far a piece may stand from its slot, and how far it may be turned, before a rule is broken.
PLACE_TOLERANCE = 0.015
ANGLE_TOLERANCE = 4.0


@dataclass(frozen=True, slots=True)
class Piece:
    """One part on the housing; `tint` scales its colour per channel, BGR."""

    kind: Kind
    colour: str
    x: float
    y: float
    angle: float = 0.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the module lies on the belt: its shift, and its turn around the image centre."""

    x: float = 0.0
    y: float = 0.0
    angle: float = 0.0


@dataclass(frozen=True, slots=True)
class Exposure:
    """The light of one picture: gain, its slope over the image, warmth, the seed of the noise."""

    gain: float = 1.0
    slope: tuple[float, float] = (0.0, 0.0)
    warmth: float = 0.0
    noise: int = 0


@dataclass(frozen=True, slots=True)
class Product:
    """One module on the belt; `grain` is the seed of its surface texture and of the belt's."""

    pieces: tuple[Piece, ...]
    pose: Pose = Pose()
    serial: str = "000000"
    grain: int = 0


# The rules once more, as the machine checks them.
SLOTS = (
    *(Piece("screw", "steel", x, ROWS[0]) for x in COLUMNS),
    *(
        Piece("fuse", colour, x, ROWS[1])
        for colour, x in zip(("red", "yellow", "blue", "green"), COLUMNS, strict=True)
    ),
    Piece("label", "white", 0.315, ROWS[2]),
    Piece("button", "orange", COLUMNS[3], ROWS[2]),
)


def normal_product(rng: np.random.Generator) -> Product:
    """A module that keeps every rule, with the variation that a real line has."""
    x, y = rng.uniform(-0.012, 0.012, 2).tolist()
    return Product(
        pieces=tuple(_placed(slot, rng) for slot in SLOTS),
        pose=Pose(x, y, float(rng.uniform(-2, 2))),
        serial="".join(map(str, rng.integers(0, 10, 6).tolist())),
        grain=_seed(rng),
    )


def normal_exposure(rng: np.random.Generator) -> Exposure:
    """The light of a line: lamps that age and flicker, a camera with noise."""
    slope_x, slope_y = rng.uniform(-0.06, 0.06, 2).tolist()
    return Exposure(
        gain=float(rng.uniform(0.93, 1.06)),
        slope=(slope_x, slope_y),
        warmth=float(rng.uniform(-0.015, 0.015)),
        noise=_seed(rng),
    )


def broken_rules(product: Product) -> tuple[str, ...]:
    """What is wrong with a module, a sentence each; empty for a good one."""
    left = list(product.pieces)
    faults: list[str] = []
    for slot in SLOTS:
        found = next((piece for piece in left if _keeps(piece, slot)), None)
        if found is None:
            faults.append(f"No {slot.colour} {slot.kind} at {slot.x:.2f}, {slot.y:.2f}.")
        else:
            left.remove(found)
    strays = (f"A {piece.colour} {piece.kind} at {piece.x:.2f}, {piece.y:.2f}." for piece in left)
    return (*faults, *strays)


def _placed(slot: Piece, rng: np.random.Generator) -> Piece:
    """A piece in its slot, as exactly as the assembly works."""
    x, y = rng.uniform(-0.003, 0.003, 2).tolist()
    turn = 180.0 if slot.kind == "screw" else 1.5
    tint_b, tint_g, tint_r = rng.normal(1, 0.012, 3).tolist()
    angle = float(rng.uniform(-turn, turn))
    return Piece(slot.kind, slot.colour, slot.x + x, slot.y + y, angle, (tint_b, tint_g, tint_r))


def _keeps(piece: Piece, slot: Piece) -> bool:
    straight = piece.kind in ("screw", "button") or abs(piece.angle) <= ANGLE_TOLERANCE
    near = math.hypot(piece.x - slot.x, piece.y - slot.y) <= PLACE_TOLERANCE
    return (piece.kind, piece.colour) == (slot.kind, slot.colour) and straight and near


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(0, 2**31))
