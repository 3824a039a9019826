"""Many image files to one array at model resolution, by a few threads."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slsg_edge.data.threads import in_threads
from slsg_edge.images import read_image
from slsg_edge.preprocessing import Preprocessing, prepare


def load_frames(
    paths: Sequence[Path],
    preprocessing: Preprocessing,
    progress: Callable[[], None] | None = None,
) -> NDArray[np.uint8]:
    """(N, H, W, 3) BGR in the order given; `progress` is called once per image.

    DatasetError names the first image that cannot be read.
    """
    frames = np.empty((len(paths), preprocessing.height, preprocessing.width, 3), np.uint8)

    def load(index: int) -> None:
        frames[index] = prepare(read_image(paths[index]), preprocessing)

    in_threads(load, range(len(paths)), progress)
    return frames
