"""What the good images of a training have in common: their size, how bright and how varied."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Image

_NOTHING = 16  # times less contrast than the image in the middle
_SIDE = 64  # pixels of the shorter side that are looked at: enough for a mean, and quick


@dataclass(frozen=True, slots=True)
class Look:
    """One picture: size in pixels, mean and standard deviation of its grey values, 0 to 255."""

    height: int
    width: int
    brightness: float
    contrast: float


@dataclass(frozen=True, slots=True)
class UsualFrames:
    """What all good images share; None where they differ, or where a bundle does not say.

    height, width: of each of them. darkest, brightest: the least and the most of their mean grey
    value. flattest: the least standard deviation of the grey values.
    """

    height: int | None = None
    width: int | None = None
    darkest: float | None = None
    brightest: float | None = None
    flattest: float | None = None


def few_pixels(image: Image) -> NDArray[np.uint8]:
    """Every n-th pixel of every n-th row, so that large frames cost no more than small ones."""
    step = max(1, min(image.shape[:2]) // _SIDE)
    return np.ascontiguousarray(image[::step, ::step])


def look_of(image: Image) -> Look:
    import cv2

    grey = cv2.cvtColor(few_pixels(image), cv2.COLOR_BGR2GRAY)
    mean, deviation = cv2.meanStdDev(grey)
    return Look(image.shape[0], image.shape[1], float(mean[0, 0]), float(deviation[0, 0]))


def usual_frames(looks: Iterable[Look]) -> UsualFrames:
    """Of all good images but those that show nothing, as one taken with the lens cap on."""
    found = list(looks)
    if not found:
        return UsualFrames()
    least = median(look.contrast for look in found) / _NOTHING
    found = [look for look in found if look.contrast >= least]
    height, width = (_shared({getattr(look, side) for look in found}) for side in _SIDES)
    brightness = [look.brightness for look in found]
    return UsualFrames(
        height=height if width else None,
        width=width if height else None,
        darkest=min(brightness),
        brightest=max(brightness),
        flattest=min(look.contrast for look in found),
    )


_SIDES = ("height", "width")


def _shared(values: set[int]) -> int | None:
    return values.pop() if len(values) == 1 else None
