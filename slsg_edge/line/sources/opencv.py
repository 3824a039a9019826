"""OpenCV's capture: of cameras at this machine, and of streams and films where PyAV is missing.

Of a camera the bytes that it sent are taken where it sends JPEG, so that a picture that came in
part is found. Of everything else OpenCV gives pictures, whole or not.
"""

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from slsg_edge.contracts import Fault, Image
from slsg_edge.images import quiet_ffmpeg, quiet_opencv
from slsg_edge.line.sources.captures import UNDECODABLE, CannotOpen, Deadlines, Picture
from slsg_edge.line.sources.jpeg import damage_of

if TYPE_CHECKING:
    import cv2


def open_opencv(address: str | int, deadlines: Deadlines | None = None) -> "OpenCvCapture":
    """CannotOpen when it cannot be opened; OpenCV does not say why.

    With `deadlines` it is a stream, which is FFmpeg's where OpenCV has it.
    """
    import cv2

    quiet_ffmpeg()
    camera = isinstance(address, int) or address.startswith("/dev/")
    backend, settings = _choice(address, deadlines)
    try:
        with quiet_opencv():
            capture = cv2.VideoCapture(address, backend, settings)
    except cv2.error as error:
        raise CannotOpen("OpenCV cannot open it", wrong=camera) from error
    if not capture.isOpened():
        raise CannotOpen("OpenCV cannot open it", wrong=camera)
    return OpenCvCapture(capture, jpeg=_gives_jpeg(capture, backend))


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


def _gives_jpeg(capture: "cv2.VideoCapture", backend: int) -> bool:
    """Whether it is a camera that sends JPEG and from now on gives it as it came."""
    import cv2

    if backend != cv2.CAP_V4L2:
        return False
    code = round(capture.get(cv2.CAP_PROP_FOURCC))
    jpeg = code.to_bytes(4, "little", signed=code < 0) in (b"MJPG", b"JPEG")
    return jpeg and capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)


class OpenCvCapture:
    codec = ""

    def __init__(self, capture: "cv2.VideoCapture", *, jpeg: bool = False) -> None:
        self._capture, self._jpeg = capture, jpeg

    @property
    def frame_count(self) -> int:
        import cv2

        return round(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))

    def read(self) -> Picture | None:
        import cv2

        try:
            with quiet_opencv():
                if not self._capture.grab():
                    return None
                taken = Picture(None)  # stamped before decoding
                _, image = self._capture.retrieve()
        except cv2.error:
            return None
        content, fault = _content(image, jpeg=self._jpeg)
        return Picture(content, taken.captured_at, taken.captured_monotonic, fault)

    def close(self) -> None:
        self._capture.release()


def _content(image: Any, *, jpeg: bool) -> tuple[Image | None, Fault | None]:
    if image is None or not image.size:
        return None, UNDECODABLE
    if jpeg and image.ndim == 2 and min(image.shape) == 1:  # bytes, not a picture
        return _decoded(image.reshape(-1))
    return cast("Image", image), None


def _decoded(content: Any) -> tuple[Image | None, Fault | None]:
    import cv2

    if damage := damage_of(content.tobytes()):
        return None, Fault("damaged_frame", damage)
    image = cv2.imdecode(content, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return (np.asarray(image, np.uint8), None) if image is not None else (None, UNDECODABLE)
