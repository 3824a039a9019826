"""A picture that moves, for trying a line without a camera."""

import re
import threading
import time
from collections.abc import Iterator
from itertools import count

import numpy as np

from slsg_edge.contracts import Frame, Image
from slsg_edge.errors import ConfigError

PREFIX = "test:"
_FORM = re.compile(r"(?:(\d{1,5})x(\d{1,5}))?(?:@(\d{1,3}))?")
_MOST_PIXELS = 50_000_000
_USUAL = (640, 480, 10)
_BOX = 5  # of the width


class TestPattern:
    """`test:`, `test:640x480`, `test:640x480@10` (pictures a second); it never repeats itself."""

    __test__ = False  # no test of pytest
    live = True

    def __init__(self, text: str) -> None:
        self._width, self._height, self._rate = _read(text)
        self.dropped = 0
        self._stop = threading.Event()
        self._noise = np.random.default_rng(0)

    def __iter__(self) -> Iterator[Frame]:
        begun, last = time.monotonic(), -1
        for index in count():
            due = last + 1
            if self._stop.wait(max(begun + due / self._rate - time.monotonic(), 0)):
                return
            # the newest wins: pictures that nobody took in time are left out
            number = max(due, int((time.monotonic() - begun) * self._rate))
            self.dropped += number - due
            last = number
            image = self._drawn(number)
            yield Frame(index, PREFIX, time.time(), time.monotonic(), image=image)

    def close(self) -> None:
        self._stop.set()

    def __enter__(self) -> "TestPattern":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _drawn(self, number: int) -> Image:
        """A box that wanders over a slope of grey, with noise as a sensor has it."""
        slope = np.linspace(60, 180, self._width, dtype=np.float32)
        picture = np.repeat(slope[None], self._height, 0)
        side = max(min(self._width, self._height) // _BOX, 1)
        left = number * max(self._width // 50, 1) % max(self._width - side, 1)
        top = (self._height - side) // 2
        picture[top : top + side, left : left + side] = 230
        picture += self._noise.normal(0, 3, picture.shape).astype(np.float32)
        grey = np.clip(picture, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, 2)


def _read(text: str) -> tuple[int, int, int]:
    found = _FORM.fullmatch(text.removeprefix(PREFIX))
    fix = "Write test:, test:640x480 or test:640x480@10."
    if found is None:
        raise ConfigError(f"'{text}' is no test pattern.", fix=fix)
    width, height, rate = (int(found[at] or usual) for at, usual in enumerate(_USUAL, 1))
    if not (width and height and rate and width * height <= _MOST_PIXELS):
        raise ConfigError(f"'{text}' asks for no picture, or for too large a one.", fix=fix)
    return width, height, rate
