"""Many image files to one array at model resolution, by a few threads."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slsg_edge.data.threads import in_threads
from slsg_edge.images import Look, look_of, peak_of, read_image
from slsg_edge.preprocessing import Preprocessing, prepare

_DEPTHS = (8, 10, 12, 14)  # bits of a sample, of the cameras that there are


def depth_of(paths: Sequence[Path]) -> int | None:
    """Bits that the values in files of 16 bit use; None where there is no such file, or all.

    The largest value of all images tells: a camera with 12 bit gives none above 4095.
    DatasetError names the first image that cannot be read.
    """
    return depth_from(max(in_threads(peak_of, paths), default=0))


def depth_from(peak: int) -> int | None:
    """As `depth_of`, from the largest value; 0 stands for no file of 16 bit."""
    return next((bits for bits in _DEPTHS if 0 < peak < 1 << bits), None)


def load_frames(
    paths: Sequence[Path],
    preprocessing: Preprocessing,
    progress: Callable[[], None] | None = None,
) -> NDArray[np.uint8]:
    """(N, H, W, 3) BGR in the order given; `progress` is called once per image.

    DatasetError names the first image that cannot be read.
    """
    frames = np.empty(shape_of_frames(len(paths), preprocessing), np.uint8)
    load_into(frames, paths, preprocessing, progress)
    return frames


def load_into(
    frames: NDArray[np.uint8],
    paths: Sequence[Path],
    preprocessing: Preprocessing,
    progress: Callable[[], None] | None = None,
    looks: list[Look] | None = None,
) -> None:
    """As `load_frames`, into an array that is there already, as one that is mapped from a file.

    looks: takes the look of each image, in no order.
    """

    def load(index: int) -> None:
        image = read_image(paths[index], preprocessing.depth)
        frames[index] = prepare(image, preprocessing)
        if looks is not None:
            looks.append(look_of(image))

    in_threads(load, range(len(paths)), progress)


def shape_of_frames(count: int, preprocessing: Preprocessing) -> tuple[int, int, int, int]:
    """Of so many frames at model resolution."""
    return count, preprocessing.height, preprocessing.width, 3
