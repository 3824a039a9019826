"""Many image files to one array at model resolution, by a few threads.

OpenCV decodes and resizes without holding Python's lock, so threads are enough.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slsg_edge.images import quiet_opencv, read_image
from slsg_edge.preprocessing import Preprocessing, prepare

_THREADS = 8  # more only fight over the disk


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

    threads = min(_THREADS, os.cpu_count() or 1)
    with quiet_opencv(), ThreadPoolExecutor(threads) as pool:
        try:
            for _ in pool.map(load, range(len(paths))):
                if progress:
                    progress()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return frames
