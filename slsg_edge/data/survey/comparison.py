"""Two photos compared at full size: what one shows that the other cannot explain.

What a copy may differ in is explained first: size, a crop or a shift of some pixels, exposure, and
the blur and ringing that compression leaves at edges. A scratch or another mark is explained by
none of these.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from slsg_edge.errors import DatasetError
from slsg_edge.images import read_image

# Grey levels, of the mean of a few pixels, that compression and resizing leave unexplained. As JPEG
# of quality 60, at half the size, brighter, cropped or turned, copies of real photos stay below.
VISIBLE = 6.0

_LONGEST = 2048  # pixels; of a larger photo, halves and quarters are compared
_SOFT = 1.0  # sigma of the blur that takes off what compression leaves in single pixels
_CELL = 4  # pixels a side
_DARK, _BRIGHT = 4, 251  # grey levels that may have been cut off
_NEARLY = 12  # grey levels more that an expected level may be off
_COLOUR_CELL = 16  # pixels a side: JPEG keeps little of the colour
_COLOURED = 3.0  # grey levels apart, on average, that the colours of a photo in colour are
_SMALL = 256  # pixels of the longer side at which is looked first
_ALIGNED_AT = 512  # pixels of the longer side at which a shift is looked for
_STILL = 0.2  # pixels that are no shift
_MARGIN = 0.04  # of a side: more of it than a crop may have taken
_STEPS = 40
_EXPOSURE_FROM = 20_000  # pixels
_CURVES = 1, 3  # degrees
_HOPELESS = 4 * VISIBLE  # grey levels that no curve explains

TURNS = 8  # quarters, and the same mirrored

Grey = NDArray[np.float32]
Plane = TypeVar("Plane", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Difference:
    """In grey levels, after all that a copy may differ in: `visible` where most is left,
    `overall` as root mean square.
    """

    visible: float
    overall: float


@dataclass(frozen=True, slots=True)
class Photo:
    """grey: (H, W); brightest: (H, W) of the three colours, or grey.

    colour: (H, W, 2) red and blue less green, None of a photo without colour.
    """

    grey: Grey
    brightest: Grey
    colour: Grey | None

    def changed(self, change: Callable[[Grey], Grey]) -> "Photo":
        """With the same done to each plane."""
        grey = change(self.grey)
        if self.colour is None:
            return Photo(grey, grey, None)
        return Photo(grey, change(self.brightest), change(self.colour))


def photo_of(path: Path) -> Photo | None:
    """None of what is no image any more."""
    try:
        return photo(read_image(path))
    except (DatasetError, MemoryError):
        return None


def photo(image: NDArray[np.uint8]) -> Photo:
    """Of (H, W, 3) BGR."""
    import cv2

    while max(image.shape[:2]) > _LONGEST:
        half = (max(1, image.shape[1] // 2), max(1, image.shape[0] // 2))
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.float32)
    some = image[::8, ::8].astype(np.float32)
    if float(np.abs(some[..., (2, 0)] - some[..., 1:2]).mean()) <= _COLOURED:
        return Photo(grey, grey, None)
    pixels = image.astype(np.float32)
    return Photo(grey, pixels.max(axis=2), pixels[..., (2, 0)] - pixels[..., 1:2])


def turned(one: Photo, turn: int) -> Photo:
    """By `turn` % 4 quarters, and from 4 on mirrored before that."""
    return one.changed(lambda plane: turn_of(plane, turn))


def turn_of(picture: NDArray[Plane], turn: int) -> NDArray[Plane]:
    """(H, W, ...)."""
    mirrored = picture[:, ::-1] if turn >= 4 else picture
    return np.ascontiguousarray(np.rot90(mirrored, turn % 4))


def difference(one: Photo, other: Photo) -> Difference:
    """Of the two as they lie, or after the shift between them was taken out, if that is less.

    What differs already when both are small is not looked at again.
    """
    size = min(_size(one), _size(other), key=lambda size: size[0] * size[1])
    first, second = _at(one, size), _at(other, size)
    small = min(1.0, _SMALL / max(size))
    little = _small(first, small), _small(second, small)
    found = _of_laid(*little)
    moved = None
    if found.visible > VISIBLE / 2:
        moved = shift(little[0].grey, little[1].grey)
        if moved is not None:
            found = _less(found, _of_laid(_cut(little[0]), _cut(_warped(little[1], moved))))
    if small == 1 or found.visible > VISIBLE:
        return found
    return _at_full_size(first, second, moved, small)


def _at_full_size(
    one: Photo, other: Photo, moved: NDArray[np.float32] | None, small: float
) -> Difference:
    found = _of_laid(one, other)
    if found.visible <= VISIBLE / 2:
        return found
    start = np.eye(2, 3, dtype=np.float32) if moved is None else moved.copy()
    start[:, 2] /= small
    finer = shift(one.grey, other.grey, start)
    if finer is None or _far(finer, one.grey.shape) < _STILL:
        return found
    return _less(found, _of_laid(_cut(one), _cut(_warped(other, finer))))


def _less(one: Difference, other: Difference) -> Difference:
    return min(one, other, key=lambda one: one.visible)


def _far(moved: NDArray[np.float32], shape: tuple[int, ...]) -> float:
    """Pixels by which a corner moves at most."""
    height, width = shape
    corners = np.array([(x, y, 1) for x in (0, width) for y in (0, height)], np.float32)
    return float(np.abs(corners @ moved.T - corners[:, :2]).max())


def _of_laid(one: Photo, other: Photo) -> Difference:
    if _cut_off(one.brightest).sum() > _cut_off(other.brightest).sum():
        one, other = other, one
    known = _known(one, other)
    a, b = _soft(one.grey), _soft(other.grey)
    found = Difference(np.inf, np.inf)
    for degree in _CURVES:
        found = _less(found, _unexplained(_as_exposed(a, b, degree), b, known))
        if not VISIBLE / 2 < found.visible < _HOPELESS:
            break
    return Difference(max(found.visible, _colour_difference(one, other, known)), found.overall)


def _known(one: Photo, other: Photo) -> NDArray[np.bool_]:
    """Where no colour was cut off: in `one`, or in `other` as its exposure makes expect."""
    expected = _as_exposed(one.brightest, other.brightest, 1)
    cut_in_other = _cut_off(other.brightest) & _cut_off(expected, _NEARLY)
    return ~_grown(_cut_off(one.brightest) | cut_in_other)


def _unexplained(one: Grey, other: Grey, known: NDArray[np.bool_]) -> Difference:
    apart = np.maximum(_outside(one, other), _outside(other, one)) * known
    overall = _cells((one - other) * known, _CELL)
    return Difference(float(_cells(apart, _CELL).max()), float(np.sqrt((overall**2).mean())))


def _outside(one: Grey, other: Grey) -> Grey:
    """How far `other` is from all that `one` has within a pixel."""
    import cv2

    around = np.ones((3, 3), np.uint8)
    above, below = other - cv2.dilate(one, around), cv2.erode(one, around) - other
    return np.asarray(np.maximum(np.maximum(above, below), 0), np.float32)


def _colour_difference(one: Photo, other: Photo, known: NDArray[np.bool_]) -> float:
    """0 where one of the two has no colour: a copy may have lost it."""
    if one.colour is None or other.colour is None:
        return 0.0
    whole = _cells(known.astype(np.float32), _COLOUR_CELL) > 0.999
    first, second = (_cells(plane, _COLOUR_CELL)[whole] for plane in (one.colour, other.colour))
    if not len(first):
        return 0.0
    flat = first.ravel(), second.ravel()
    gain, offset = np.polyfit(*flat, 1) if float(np.ptp(first)) > 1 else (1.0, 0.0)
    return float(np.abs(flat[0] * gain + offset - flat[1]).max()) / 2


def _cells(plane: Grey, side: int) -> Grey:
    """Means of squares that overlap by half: a mark on the border of one is in the next."""
    import cv2

    side = max(1, min(side, min(plane.shape[:2]) // 16))
    means = np.asarray(cv2.blur(plane, (side, side)), np.float32)
    step = max(1, side // 2)
    return means[step::step, step::step]


def _as_exposed(one: Grey, other: Grey, degree: int) -> Grey:
    """`one` as exposed as `other`: by gain and offset, or by a curve of that degree."""
    step = max(1, int(np.sqrt(one.size / _EXPOSURE_FROM)))
    x, y = (plane[::step, ::step].ravel().astype(np.float64) for plane in (one, other))
    inner = (x > _DARK) & (x < _BRIGHT) & (y > _DARK) & (y < _BRIGHT)
    x, y = x[inner], y[inner]
    if len(x) < 64 or float(np.ptp(x)) < 1:
        return one
    low, high = np.quantile(x, (0.002, 0.998)) if degree > 1 else (0.0, 255.0)
    curve = np.polynomial.Polynomial.fit(x, y, degree)
    table = np.clip(curve(np.clip(np.arange(256), low, high)), 0, 255).astype(np.float32)
    below = np.clip(one.astype(np.int32), 0, 254)
    return np.asarray(table[below] + (one - below) * np.diff(table)[below], np.float32)


def _cut_off(grey: Grey, nearly: int = 0) -> NDArray[np.bool_]:
    return np.asarray((grey <= _DARK + nearly) | (grey >= _BRIGHT - nearly))


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import cv2

    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8))) > 0


def _soft(grey: Grey) -> Grey:
    import cv2

    return np.asarray(cv2.GaussianBlur(grey, (0, 0), _SOFT), np.float32)


def _size(photo: Photo) -> tuple[int, int]:
    return photo.grey.shape[1], photo.grey.shape[0]


def _small(photo: Photo, scale: float) -> Photo:
    width, height = _size(photo)
    return _at(photo, (max(1, round(width * scale)), max(1, round(height * scale))))


def _at(photo: Photo, size: tuple[int, int]) -> Photo:
    return photo if _size(photo) == size else photo.changed(lambda plane: _resized(plane, size))


def _resized(plane: Grey, size: tuple[int, int]) -> Grey:
    import cv2

    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def shift(
    one: Grey, other: Grey, start: NDArray[np.float32] | None = None
) -> NDArray[np.float32] | None:
    """(2, 3) from the pixels of `one` to those of `other`; None where none is found."""
    import cv2

    found = np.eye(2, 3, dtype=np.float32) if start is None else start.copy()
    scale = min(1.0, _ALIGNED_AT / max(one.shape))
    found[:, 2] *= scale
    size = (max(1, round(one.shape[1] * scale)), max(1, round(one.shape[0] * scale)))
    small = [plane if scale == 1 else _resized(plane, size) for plane in (one, other)]
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _STEPS, 1e-5)
    try:
        _, moved = cv2.findTransformECC(
            small[0], small[1], found, cv2.MOTION_AFFINE, stop, np.ones_like(small[0], np.uint8), 3
        )
    except cv2.error:
        return None
    affine = np.array(moved, np.float32)
    affine[:, 2] /= scale
    return affine


def _warped(photo: Photo, moved: NDArray[np.float32]) -> Photo:
    import cv2

    size, flags = _size(photo), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP

    def warped(plane: Grey) -> Grey:
        edge = cv2.BORDER_REPLICATE
        return np.asarray(cv2.warpAffine(plane, moved, size, flags=flags, borderMode=edge))

    return photo.changed(warped)


def _cut(photo: Photo) -> Photo:
    """Without the margin, which a crop may have taken."""
    rows, columns = (max(2, int(side * _MARGIN)) for side in photo.grey.shape)
    return photo.changed(lambda plane: plane[rows:-rows, columns:-columns])
