"""A picture of the gallery in layers that the browser lays over each other: the image as JPEG,
the heat as a transparent WebP, and the outline of the defect as a path that stays sharp.

So the image is stored once for the plain and the hot view, and an enlarged outline has no steps.
"""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import AnomalyMap, Image, Mask
from slsg_edge.images.drawing import heat_layer
from slsg_edge.preprocessing import resize
from slsg_edge.reports.hot_box import Box, hot_box

LONGEST_SIDE = 480  # pixels of the image
LONGEST_HEAT = 256  # pixels: the map is as smooth as the model's resolution
LONGEST_OWN_HEAT = 128  # pixels of the stretched one, which is the second of each image
JPEG_QUALITY = 82
WEBP_QUALITY = 80
HEAT_STRENGTH = 0.75


@dataclass(frozen=True, slots=True)
class LayeredPicture:
    """An image in layers.

    width, height: in pixels
    image: as a data URI
    heat: as a data URI; None where there is no map
    own_heat: the same, from its own lowest to its own highest value; None where not wanted
    outline: of the defect, as an SVG path in these pixels
    box: around the hottest spot of the map, in these pixels; None where nothing stands out or the
    mask says that the defect is elsewhere
    """

    width: int
    height: int
    image: str
    heat: str | None
    outline: str
    own_heat: str | None = None
    box: Box | None = None


def picture_of(
    image: Image,
    heat: AnomalyMap | None = None,
    mask: Mask | None = None,
    *,
    stretched: bool = False,
) -> LayeredPicture:
    """Heat and mask are of the image's own size; the picture is never larger than the image.

    `stretched`: with the map stretched to its own range, too.
    """
    height, width = _fitting(image.shape, LONGEST_SIDE)
    return LayeredPicture(
        width,
        height,
        _data_uri(resize(image, height, width), "jpeg"),
        None if heat is None else _heat(heat, LONGEST_HEAT),
        "" if mask is None else _outline(mask, height, width),
        _heat(_stretched(heat), LONGEST_OWN_HEAT) if stretched and heat is not None else None,
        _box(heat, mask, (height, width)),
    )


def _box(heat: AnomalyMap | None, mask: Mask | None, size: tuple[int, int]) -> Box | None:
    if heat is None:
        return None
    small = None if mask is None else _shrunk(mask.astype(np.float32), *size) > 0
    return hot_box(_shrunk(heat, *size), small)


def _stretched(heat: AnomalyMap) -> AnomalyMap:
    """From 0 to 1; all 0 where it is the same everywhere."""
    low, high = float(heat.min()), float(heat.max())
    return np.asarray((heat - low) / max(high - low, 1e-12), np.float32)


def _heat(heat: AnomalyMap, longest: int) -> str:
    small = _shrunk(heat, *_fitting(heat.shape, longest))
    return _data_uri(heat_layer(small, HEAT_STRENGTH), "webp")


def _outline(mask: Mask, height: int, width: int) -> str:
    """Closed lines around every part of the mask and its holes."""
    import cv2

    small = _shrunk(mask.astype(np.float32), height, width)
    # half covered, or the most covered there is: a scratch of one pixel is still marked
    marked = (small >= min(0.5, float(small.max()) or 1)).astype(np.uint8)
    contours, _ = cv2.findContours(marked, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return "".join(_line(cv2.approxPolyDP(contour, 0.7, True)) for contour in contours)


def _line(contour: NDArray[Any]) -> str:
    points = " ".join(f"{x + 0.5:g} {y + 0.5:g}" for x, y in contour.reshape(-1, 2).tolist())
    return f"M{points}Z"


def _fitting(shape: tuple[int, ...], longest: int) -> tuple[int, int]:
    """Height and width within `longest`; never larger than `shape`."""
    scale = min(1.0, longest / max(shape[:2]))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _shrunk(values: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    import cv2

    small = cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32)


def _data_uri(picture: NDArray[np.uint8], kind: str) -> str:
    import cv2

    options = {
        "jpeg": [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY],
        "webp": [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY],
    }
    done, content = cv2.imencode(f".{kind}", picture, options[kind])
    if not done:
        raise ValueError(f"OpenCV cannot encode {picture.shape} as {kind}")
    return f"data:image/{kind};base64,{base64.b64encode(content.tobytes()).decode()}"
