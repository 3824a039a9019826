"""Memory that a capturing process and the watch share: the last pictures, never a torn one.

It has no name, so that nothing of it stays behind, however a process ends.
"""

import mmap
import os
import tempfile

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Image

_BUFFERS = 3  # one is read, one is the newest, one is written
LARGEST = 128 << 20  # bytes of a picture; only what is written takes memory
_HEAD = 4096  # bytes: the number of the picture in each buffer, 0 while it is written


def new_memory() -> int:
    """A file descriptor of it, to hand to the process that writes."""
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("slsg-edge")
    else:
        with tempfile.TemporaryFile() as file:
            handle = os.dup(file.fileno())
    os.ftruncate(handle, _HEAD + _BUFFERS * LARGEST)
    return handle


class PictureMemory:
    def __init__(self, handle: int) -> None:
        self._map = mmap.mmap(handle, _HEAD + _BUFFERS * LARGEST)
        self._numbers: NDArray[np.uint64] = np.frombuffer(self._map, np.uint64, _BUFFERS)

    def write(self, number: int, image: Image) -> bool:
        """False when the picture is too large. `number` counts from 1."""
        if image.nbytes > LARGEST:
            return False
        place = number % _BUFFERS
        self._numbers[place] = 0
        self._buffer(place, image.shape)[:] = image
        self._numbers[place] = number
        return True

    def read(self, number: int, shape: tuple[int, ...]) -> Image | None:
        """None when a newer picture took its place, or takes it just now."""
        place = number % _BUFFERS
        if self._numbers[place] != number:
            return None
        image = self._buffer(place, shape).copy()
        return image if self._numbers[place] == number else None

    def _buffer(self, place: int, shape: tuple[int, ...]) -> Image:
        size, start = int(np.prod(shape)), _HEAD + place * LARGEST
        return np.frombuffer(self._map, np.uint8, size, start).reshape(shape)
