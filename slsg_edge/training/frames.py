"""The training images at model resolution, on disk and mapped into each process.

Worker processes are spawned, not forked (OpenCV's threads do not survive a fork), so an array in
memory would be copied once per worker; a mapped file is shared.
"""

from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Image
from slsg_edge.storage import storage_error


class StoredFrames:
    """(N, H, W, 3) uint8 in a .npy file; pickles as its path."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def array(self) -> NDArray[np.uint8]:
        return np.asarray(np.load(self.path, mmap_mode="r", allow_pickle=False))

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, index: int) -> Image:
        return np.array(self.array[index])

    def __reduce__(self) -> tuple[type["StoredFrames"], tuple[Path]]:
        return StoredFrames, (self.path,)


def store_frames(path: Path, frames: NDArray[np.uint8]) -> StoredFrames:
    """Without a second copy in memory; StorageError leaves nothing behind."""
    temporary = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            np.save(file, frames)
        temporary.replace(path)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)
    return StoredFrames(path)
