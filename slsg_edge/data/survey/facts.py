"""What one image file shows by itself: its content, size and mode, how bright and sharp it is.

Knows nothing about the other images; `outliers` and `duplicates` compare.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slsg_edge.errors import DatasetError
from slsg_edge.images import decode_as_stored, eight_bit, image_content, quiet_opencv

THUMBNAIL = 32  # pixels a side: where things are, but no noise of the camera
_JPEG = b"\xff\xd8\xff"
_SHARPNESS_SIDE = 512  # pixels of the longer side at which sharpness is measured


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """`mode`: grey, colour or alpha, and 16 bit. `brightness` and `contrast` are mean and standard
    deviation of the grey values, 0 to 255; `sharpness` is the mean square of their Laplacian.

    thumbnail: (32, 32, 3) BGR, whatever the proportions. peak: the largest value of 16 bit, 0 of a
    picture that has 8.
    """

    path: Path
    digest: str
    width: int
    height: int
    mode: str
    brightness: float
    contrast: float
    sharpness: float
    thumbnail: NDArray[np.uint8]
    peak: int = 0

    @property
    def size(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that is no image, and why."""

    path: Path
    reason: str


def facts_of(path: Path) -> ImageFacts | Unreadable:
    """Reads the file once."""
    import cv2

    try:
        content = image_content(path)
        stored = decode_as_stored(content, path)
    except DatasetError as error:
        return Unreadable(path, error.what)
    pixels = _eight_bit(stored)
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY) if pixels.ndim == 3 else pixels
    height, width = grey.shape
    brightness, contrast = (float(value[0, 0]) for value in cv2.meanStdDev(grey))
    return ImageFacts(
        path=path,
        digest=hashlib.sha256(content).hexdigest(),
        width=width,
        height=height,
        mode=_mode(stored, content),
        brightness=brightness,
        contrast=contrast,
        sharpness=_sharpness(grey),
        thumbnail=_thumbnail(pixels),
        peak=_peak(stored),
    )


def thumbnail_of(content: bytes, path: Path) -> NDArray[np.uint8]:
    """As `ImageFacts` has it, and quicker; DatasetError for what is no image."""
    if content.startswith(_JPEG) and (small := _eighth(content)) is not None:
        return _thumbnail(small)
    return _thumbnail(_eight_bit(decode_as_stored(content, path)))


def _eighth(jpeg: bytes) -> NDArray[np.uint8] | None:
    """A JPEG at an eighth of its size, which costs a fraction; None where that is too small."""
    import cv2

    try:
        with quiet_opencv():
            image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_REDUCED_COLOR_8)
    except cv2.error:
        return None
    return (
        None if image is None or min(image.shape[:2]) < THUMBNAIL else np.asarray(image, np.uint8)
    )


def _eight_bit(stored: NDArray[Any]) -> NDArray[np.uint8]:
    """What a camera of 12 bit leaves empty is left out; others of a data set are alike."""
    return eight_bit(stored, 12 if _peak(stored) < 1 << 12 else 16)


def _peak(stored: NDArray[Any]) -> int:
    return int(stored.max()) if stored.dtype == np.uint16 else 0


def _thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    colour = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR) if pixels.ndim == 2 else pixels
    small = cv2.resize(colour, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _sharpness(grey: NDArray[Any]) -> float:
    """At one size, since a large image of the same part is smoother from pixel to pixel."""
    import cv2

    scale = _SHARPNESS_SIDE / max(grey.shape)
    if scale < 1:
        # a line scan of a few rows keeps one
        height, width = (max(1, round(side * scale)) for side in grey.shape)
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return float(cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_32F))[1][0, 0]) ** 2


def _mode(stored: NDArray[Any], content: bytes) -> str:
    colour = "colour" if stored.ndim == 3 else "grey"
    depth = " 16 bit" if stored.dtype == np.uint16 else ""
    return f"{'alpha' if _has_alpha(content) else colour}{depth}"


def _has_alpha(content: bytes) -> bool:
    """As the header of a PNG or WebP says; OpenCV does not tell while it applies orientation."""
    if content.startswith(b"\x89PNG"):
        return content[25] in (4, 6)
    return content[8:16] == b"WEBPVP8X" and bool(content[20] & 0x10)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """5 %, 50 % and 95 % of the values lie at or below."""

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.0f}-{self.high:.0f}"


def quantiles_of(values: Sequence[float]) -> Quantiles | None:
    """None of no values."""
    if not values:
        return None
    low, median, high = (float(value) for value in np.quantile(values, (0.05, 0.5, 0.95)))
    return Quantiles(low, median, high)
