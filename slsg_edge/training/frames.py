"""The training images at model resolution, on disk and mapped into each process.

Worker processes are spawned, not forked (OpenCV's threads do not survive a fork), so an array in
memory would be copied once per worker; a mapped file is shared.
"""

import contextlib
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Image
from slsg_edge.data.loading import load_into, shape_of_frames
from slsg_edge.images import Look
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.storage import storage_error


class StoredFrames:
    """(N, H, W, 3) uint8 in a .npy file, or some of them; pickles as its path."""

    def __init__(self, path: Path, chosen: tuple[int, ...] | None = None) -> None:
        """chosen: which of those in the file, in this order; None is all."""
        self.path, self.chosen = path, chosen

    @cached_property
    def array(self) -> NDArray[np.uint8]:
        return np.asarray(np.load(self.path, mmap_mode="r", allow_pickle=False))

    def __len__(self) -> int:
        return len(self.array) if self.chosen is None else len(self.chosen)

    def __getitem__(self, index: int) -> Image:
        return np.array(self.array[index if self.chosen is None else self.chosen[index]])

    def only(self, images: Sequence[int]) -> "StoredFrames":
        """These of the file, which stays one."""
        return StoredFrames(self.path, tuple(images))

    def __reduce__(self) -> tuple[type["StoredFrames"], tuple[Path, tuple[int, ...] | None]]:
        return StoredFrames, (self.path, self.chosen)


def store_frames(
    path: Path,
    images: Sequence[Path],
    preprocessing: Preprocessing,
    progress: Callable[[], None] | None = None,
    looks: list[Look] | None = None,
) -> StoredFrames:
    """Decodes each image straight into the file, so that they are never all in memory.

    looks: takes the look of each image, in no order.

    DatasetError names an image that cannot be read; that and StorageError leave nothing behind.
    """
    shape = shape_of_frames(len(images), preprocessing)
    return write_frames(
        path, shape, lambda frames: load_into(frames, images, preprocessing, progress, looks)
    )


def write_frames(
    path: Path, shape: tuple[int, ...], fill: Callable[[NDArray[np.uint8]], None]
) -> StoredFrames:
    """A file of frames of this shape, in place once `fill` has written all of them."""
    temporary = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_mapped(temporary, shape, fill)
        temporary.replace(path)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):  # a read-only disk says so above
            temporary.unlink(missing_ok=True)
    return StoredFrames(path)


def _write_mapped(
    path: Path, shape: tuple[int, ...], fill: Callable[[NDArray[np.uint8]], None]
) -> None:
    """The mapping ends with this function: Windows renames no file that is mapped."""
    frames = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    _reserve(path)
    fill(np.asarray(frames))
    frames.flush()


def _reserve(path: Path) -> None:
    """A full disk is an OSError now; in a mapped file it would end the process by a signal."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
