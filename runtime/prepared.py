"""What a detector takes at once: how many frames, and of which shape once they are prepared."""

import numpy as np
from numpy.typing import NDArray

from slsg_edge.errors import CameraError, ConfigError
from slsg_edge.preprocessing import Preprocessing


def require_count(count: int, largest: int) -> None:
    """ConfigError unless so many frames fit into one batch."""
    if not 1 <= count <= largest:
        raise ConfigError(
            f"{count} frames came at once, where 1 to {largest} are due.",
            fix=f"Give at most {largest} at once, or build the engine with a larger batch.",
        )


def require_prepared(frames: NDArray[np.uint8], spec: Preprocessing) -> None:
    """CameraError unless they are (N, H, W, 3) uint8 at model resolution, one frame or more."""
    shape = (spec.height, spec.width, 3)
    if frames.dtype != np.uint8 or frames.shape[1:] != shape or not len(frames):
        raise CameraError(
            f"The prepared frames are {frames.shape} {frames.dtype}, where "
            f"(N, {spec.height}, {spec.width}, 3) uint8 are due.",
            fix="Prepare each frame with slsg_edge.preprocessing.prepare.",
        )
