"""Which frames a detector takes, whatever runs the model."""

from typing import Any

import numpy as np

from slsg_edge.errors import CameraError

_COLOUR = "Let the camera deliver 8-bit colour pictures."


def check_frame(frame: Any) -> None:
    """CameraError for anything but (H, W, 3) uint8."""
    if not isinstance(frame, np.ndarray):
        raise CameraError(f"The frame is a {type(frame).__name__}.", fix=_COLOUR)
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
        raise CameraError(
            f"The frame is {frame.shape} {frame.dtype}, where (H, W, 3) uint8 is due.", fix=_COLOUR
        )
