"""One OpenCV capture of a camera, a stream or a video file, and what can be asked of it."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from slsg_edge.contracts import Fault, Image
from slsg_edge.images import quiet_ffmpeg, quiet_opencv

if TYPE_CHECKING:
    import cv2

    Capture: TypeAlias = cv2.VideoCapture
else:
    Capture: TypeAlias = Any

UNDECODABLE = Fault("unreadable", "the frame cannot be decoded")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds after which opening or reading a stream fails instead of blocking for ever."""

    open: float = 5.0
    read: float = 1.5


@dataclass(frozen=True, slots=True)
class Picture:
    """What one read gave, stamped when the picture arrived and before it was decoded."""

    image: Image | None
    captured_at: float
    captured_monotonic: float


def open_capture(address: str | int, deadlines: Deadlines | None = None) -> Capture | None:
    """None when it cannot be opened; OpenCV does not say why.

    With `deadlines` it is a stream, which is FFmpeg's where OpenCV has it.
    """
    import cv2

    quiet_ffmpeg()
    backend, settings = _choice(address, deadlines)
    try:
        with quiet_opencv():
            capture = cv2.VideoCapture(address, backend, settings)
    except cv2.error:
        return None
    return capture if capture.isOpened() else None


def _choice(address: str | int, deadlines: Deadlines | None) -> tuple[int, list[int]]:
    """The OpenCV backend and its settings as `[property, value, ...]`."""
    import cv2

    if isinstance(address, int) or address.startswith("/dev/"):
        linux = cv2.CAP_V4L2 in cv2.videoio_registry.getCameraBackends()
        return (cv2.CAP_V4L2 if linux else cv2.CAP_ANY), []
    if cv2.CAP_FFMPEG not in cv2.videoio_registry.getStreamBackends():
        return cv2.CAP_ANY, []
    if deadlines is None:
        return cv2.CAP_FFMPEG, []
    return cv2.CAP_FFMPEG, [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        round(deadlines.open * 1000),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        round(deadlines.read * 1000),
    ]


def frame_count(capture: Capture) -> int:
    """How many frames the container claims to hold; 0 or less for a stream."""
    import cv2

    return round(capture.get(cv2.CAP_PROP_FRAME_COUNT))


def read_picture(capture: Capture) -> Picture | None:
    """The next picture, None when there is none (the end, a lost connection, a deadline)."""
    import cv2

    try:
        if not capture.grab():
            return None
        wall, monotonic = time.time(), time.monotonic()
        _, image = capture.retrieve()
    except cv2.error:
        return None
    whole = image is not None and image.size
    return Picture(cast("Image", image) if whole else None, wall, monotonic)
