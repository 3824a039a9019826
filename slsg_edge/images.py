"""Image files to `(H, W, 3)` BGR uint8, the same way in training and on the line.

Grey becomes three equal channels, 16 bit loses its low byte, alpha is dropped, EXIF orientation
is applied. A file that decodes only in part is refused: OpenCV would fill the rest with grey.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Fault, Image, Mask, Reason
from slsg_edge.errors import DatasetError

# What every OpenCV that is allowed decodes, under all the endings that people give it.
SUFFIXES = frozenset((
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".bmp", ".dib", ".tif", ".tiff", ".webp",
    ".pbm", ".pgm", ".ppm", ".pnm",
))  # fmt: skip

HEAT_SUFFIX = "_heat.jpg"  # of a picture with heat over it: for people, never for a detector

# First bytes of a format, and what must stand near the end of a complete file of it.
_ENDINGS = {b"\xff\xd8\xff": b"\xff\xd9", b"\x89PNG\r\n\x1a\n": b"IEND"}
_REPLACE = "Replace it or take it out of the folder."
_FFMPEG_SILENT = "-8"  # AV_LOG_QUIET
_OPENCV_SILENT = 0  # in OpenCV 4 and 5
_TRAILER = 4096  # bytes: cameras append thumbnails and notes after the end marker


class ImageError(DatasetError):
    """A file whose picture may not be inspected, and which kind of reason that is."""

    def __init__(self, what: str, *, fix: str, reason: Reason = "unreadable") -> None:
        super().__init__(what, fix=fix)
        self.reason: Reason = reason

    @property
    def fault(self) -> Fault:
        return Fault(self.reason, self.what)


def is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def read_image(path: Path) -> Image:
    """The picture in `path`; ImageError says why there is none."""
    import cv2

    return np.asarray(_decode(path, cv2.IMREAD_COLOR), dtype=np.uint8)


def decode_as_stored(content: bytes, path: Path) -> NDArray[Any]:
    """(H, W) or (H, W, 3) with the depth that `content` of `path` has.

    Without alpha and with EXIF orientation applied, as `read_image` does.
    """
    import cv2

    return np.asarray(_decoded(content, path, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH))


def read_mask(path: Path) -> Mask:
    """(H, W), true where the file is not black; ImageError as for `read_image`."""
    import cv2

    return np.asarray(_decode(path, cv2.IMREAD_GRAYSCALE) > 0)


def encode_image(image: NDArray[np.uint8], suffix: str = ".png") -> bytes:
    """The bytes of an image file, for `storage.write_atomically` and for pages."""
    import cv2

    done, buffer = cv2.imencode(suffix, image)
    if not done:
        raise ValueError(f"OpenCV cannot encode {image.shape} {image.dtype} as {suffix}")
    return buffer.tobytes()


class _Quiet:
    """OpenCV's level, which is one for the whole process, while anybody wants it to be silent.

    The first who enters keeps the level that stood before, the last who leaves restores it, in
    whatever order and from whatever thread they come.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._level = 0

    def enter(self) -> None:
        with self._lock:
            if not self._inside:
                self._level = _set_opencv_level(_OPENCV_SILENT)
            self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                _set_opencv_level(self._level)


_quiet = _Quiet()


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """No complaints of OpenCV on stderr: ours say the same with the path and a next step.

    Threads may nest and overlap it as they like: OpenCV stays silent until the last has left.
    """
    _quiet.enter()
    try:
        yield
    finally:
        _quiet.leave()


def _set_opencv_level(level: int) -> int:
    """The level that stood before."""
    import cv2

    # OpenCV 5 moved the call.
    return int(getattr(cv2.utils, "logging", cv2).setLogLevel(level))


def quiet_ffmpeg() -> None:
    """No complaints of FFmpeg on stderr, which hold addresses with passwords.

    FFmpeg's level is read once, so this comes before the first video that a process opens.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _FFMPEG_SILENT)


def _decode(path: Path, flags: int) -> NDArray[np.uint8]:
    return np.asarray(_decoded(image_content(path), path, flags), dtype=np.uint8)


def _decoded(content: bytes, path: Path, flags: int) -> Any:
    import cv2

    try:
        with quiet_opencv():
            image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise ImageError(f"{path} is not an image that OpenCV can read.", fix=_REPLACE)
    return image


def image_content(path: Path) -> bytes:
    """The bytes of a file that is whole, as far as its ends show; ImageError when it is not."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageError(
            f"Cannot read {path}: {error.strerror}.",
            fix="Check that it exists and its permissions.",
        ) from error
    if not content:
        raise ImageError(f"{path} is empty (0 bytes).", fix=_REPLACE)
    for start, end in _ENDINGS.items():
        if content.startswith(start) and end not in content[-_TRAILER:]:
            raise ImageError(
                f"{path} is truncated: its end is missing.", fix=_REPLACE, reason="damaged_frame"
            )
    return content
