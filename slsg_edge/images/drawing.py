"""Pictures for people: heat over an image, the outline of a mask, many images on one sheet.

Knows nothing about thresholds or verdicts. Every function gives a new image and leaves the one
it was given untouched.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import AnomalyMap, Image, Mask

Bgr = tuple[int, int, int]
"""BGR."""

CYAN: Bgr = (255, 255, 0)  # absent from the heat colours, so an outline stands out on them
FULL_COVER_HEAT = 0.6  # heat from which the colour covers the image as much as it ever will
SHEET_COLOUR: Bgr = (255, 255, 255)
CAPTION_COLOUR: Bgr = (40, 40, 40)
SHEET_GAP = 6  # pixels between the images of a sheet
CAPTION_HEIGHT = 22  # pixels of height for a line of text


def heat_overlay(image: Image, heat: AnomalyMap, strength: float = 0.5) -> Image:
    """`image` with `heat` (same height and width, 0 to 1) over it.

    The colours run from black over magenta to yellow (inferno: even in lightness, readable to
    the colour-blind). They cover nothing where the heat is 0 and at most `strength` elsewhere,
    so a normal part looks as the camera saw it. NaN counts as 0.
    """
    _require_same_size(image, heat)
    colours, cover = _colours(heat, strength)
    return np.asarray(np.rint(image * (1 - cover) + colours * cover), dtype=np.uint8)


def heat_layer(heat: AnomalyMap, strength: float = 0.5) -> NDArray[np.uint8]:
    """(H, W, 4) BGRA: what `heat_overlay` lays over an image, for a viewer that does it itself."""
    colours, cover = _colours(heat, strength)
    return np.concatenate([colours, np.rint(cover * 255).astype(np.uint8)], axis=2)


def outline(image: Image, mask: Mask, colour: Bgr = CYAN) -> Image:
    """`image` with the border of `mask` (same height and width) drawn just outside of it."""
    import cv2

    _require_same_size(image, mask)
    width = max(1, round(max(image.shape[:2]) / 200))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    grown = cv2.dilate(mask.astype(np.uint8), kernel).astype(bool)
    drawn = image.copy()
    drawn[grown & ~mask] = colour
    return drawn


def contact_sheet(images: Sequence[Image], columns: int, captions: Sequence[str] = ()) -> Image:
    """Images of one size in rows of `columns`, each above its caption when there are captions."""
    if not images or columns < 1:
        raise ValueError("a sheet needs at least one image and one column")
    if captions and len(captions) != len(images):
        raise ValueError(f"{len(images)} images but {len(captions)} captions")
    height, width = images[0].shape[:2]
    columns, rows = min(columns, len(images)), -(-len(images) // columns)
    down = height + SHEET_GAP + (CAPTION_HEIGHT if captions else 0)
    across = width + SHEET_GAP
    size = (rows * down + SHEET_GAP, columns * across + SHEET_GAP, 3)
    sheet = np.full(size, SHEET_COLOUR, np.uint8)
    for index, image in enumerate(images):
        _require_same_size(images[0], image)
        top, left = SHEET_GAP + index // columns * down, SHEET_GAP + index % columns * across
        sheet[top : top + height, left : left + width] = image
        if captions:
            bottom = top + height
            strip = sheet[bottom : bottom + CAPTION_HEIGHT, left : left + width]
            _write(strip, captions[index])
    return sheet


def _colours(heat: AnomalyMap, strength: float) -> tuple[Image, NDArray[np.float32]]:
    """The colour of each pixel and, (H, W, 1), how much it covers."""
    import cv2

    level = np.clip(np.nan_to_num(heat), 0, 1)
    colours = cv2.applyColorMap(np.rint(level * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    cover = strength * np.minimum(level / FULL_COVER_HEAT, 1)[..., None]
    return np.asarray(colours, np.uint8), cover


def _write(strip: Image, text: str) -> None:
    """`text` into a strip of a sheet, in place, shrunk until it fits the width."""
    import cv2

    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.5
    (width, _), _ = cv2.getTextSize(text, font, size, 1)
    size *= min(1.0, (strip.shape[1] - 4) / max(width, 1))
    cv2.putText(strip, text, (2, CAPTION_HEIGHT - 7), font, size, CAPTION_COLOUR, 1, cv2.LINE_AA)


def _require_same_size(first: NDArray[Any], second: NDArray[Any]) -> None:
    if first.shape[:2] != second.shape[:2]:
        raise ValueError(f"sizes differ: {first.shape[:2]} and {second.shape[:2]}")
