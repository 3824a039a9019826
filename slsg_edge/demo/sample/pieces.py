"""How each kind of piece looks: fuse, screw, label and button.

A painter gets a crop of the canvas and the grid of that crop with the piece at its origin. Knows
nothing about where a piece belongs.
"""

from collections.abc import Callable

import cv2
import numpy as np

from slsg_edge.contracts import Image
from slsg_edge.demo.sample.housing import CONTACT_AT
from slsg_edge.demo.sample.product import COLOURS, Kind, Piece
from slsg_edge.demo.sample.shapes import (
    BUTTON,
    FUSE,
    LABEL,
    SCREW,
    Field,
    Grid,
    box,
    coverage,
    disc,
)
from slsg_edge.demo.sample.surface import Canvas, Colour, bevel, paint, shade

DARK: Colour = (40, 38, 36)
BRASS: Colour = (104, 166, 196)
INK = 60
HEADER = (150, 84, 28)  # BGR
TEXELS = 1600  # of the label's artwork per image width, drawn large and reduced


def paint_piece(canvas: Canvas, own: Grid, piece: Piece, serial: str) -> None:
    """`piece` on the canvas, in place; `own` has the piece at its origin."""
    tint = np.array(COLOURS[piece.colour], np.float32) * np.array(piece.tint, np.float32)
    if piece.kind == "label":
        _label(canvas, own, tint, serial)
    else:
        PAINTERS[piece.kind](canvas, own, tint)


def _fuse(canvas: Canvas, own: Grid, tint: Canvas) -> None:
    body = box(own, *FUSE)
    _cast_shadow(canvas, own, body)
    paint(canvas, coverage(body, own.pixel), tint)
    bevel(canvas, own, body, 0.016, 0.4)
    inner = box(own, 0.046, 0.046, 0.009)
    shade(canvas, coverage(inner, own.pixel), 0.16)
    bevel(canvas, own, inner, 0.01, -0.4)
    contacts = Grid(np.abs(own.x) - CONTACT_AT, own.y, own.pixel)
    paint(canvas, coverage(box(contacts, 0.0095, 0.027, 0.004), own.pixel), DARK)
    paint(canvas, coverage(box(contacts, 0.005, 0.021, 0.002), own.pixel), BRASS)


def _screw(canvas: Canvas, own: Grid, tint: Canvas) -> None:
    head = disc(own, SCREW)
    _cast_shadow(canvas, own, head)
    # a turned surface reflects the lamp in two opposite fans
    sheen = 0.9 + 0.2 * np.cos(2 * np.arctan2(own.y, own.x) - 0.9)
    paint(canvas, coverage(head, own.pixel), np.asarray(sheen[..., None] * tint, np.float32))
    bevel(canvas, own, head, 0.012, 0.35)
    cross = np.minimum(box(own, 0.044, 0.0105, 0.003), box(own, 0.0105, 0.044, 0.003))
    paint(canvas, coverage(cross, own.pixel), DARK)


def _button(canvas: Canvas, own: Grid, tint: Canvas) -> None:
    rim = disc(own, BUTTON)
    _cast_shadow(canvas, own, rim)
    paint(canvas, coverage(rim, own.pixel), tint)
    bevel(canvas, own, rim, 0.018, 0.35)
    bevel(canvas, own, disc(own, 0.045), 0.02, -0.3)
    shade(canvas, coverage(disc(own.turned(-0.016, -0.018, 0), 0.006), 0.03), -0.35)


def _label(canvas: Canvas, own: Grid, tint: Canvas, serial: str) -> None:
    sheet = box(own, *LABEL)
    shade(canvas, coverage(sheet - np.float32(0.002), 0.01), 0.3)
    scale = 1.25 / own.pixel
    reduced = (round(2 * LABEL[0] * scale), round(2 * LABEL[1] * scale))
    artwork = cv2.resize(_artwork(serial), reduced, interpolation=cv2.INTER_AREA)
    across = (own.x + np.float32(LABEL[0])) * np.float32(scale) - np.float32(0.5)
    down = (own.y + np.float32(LABEL[1])) * np.float32(scale) - np.float32(0.5)
    printed = cv2.remap(artwork, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    paint(
        canvas, coverage(sheet, own.pixel), np.asarray(printed / np.float32(255) * tint, np.float32)
    )


def _artwork(serial: str) -> Image:
    """What is printed on the label, as light reflected, 0 to 255."""
    width, height = (round(2 * half * TEXELS) for half in LABEL[:2])
    sheet = np.full((height, width, 3), 255, np.uint8)
    cv2.rectangle(sheet, (0, 0), (width, round(height * 0.27)), HEADER, cv2.FILLED)
    font = cv2.FONT_HERSHEY_DUPLEX
    cv2.putText(sheet, "SLSG F4-24", (22, 52), font, 1.6, (255,) * 3, 4, cv2.LINE_AA)
    cv2.putText(sheet, f"SN {serial}", (22, 130), font, 1.75, (INK,) * 3, 4, cv2.LINE_AA)
    left = 24
    for digit in "314159" + serial:
        wide = 5 + 2 * int(digit)
        cv2.rectangle(sheet, (left, 158), (left + wide, 226), (INK,) * 3, cv2.FILLED)
        left += wide + 9 + (9 - int(digit)) * 2
    return sheet


def _cast_shadow(canvas: Canvas, own: Grid, distance: Field) -> None:
    shade(canvas, coverage(distance - np.float32(0.006), 0.026), 0.45)


PAINTERS: dict[Kind, Callable[[Canvas, Grid, Canvas], None]] = {
    "fuse": _fuse,
    "screw": _screw,
    "button": _button,
}
