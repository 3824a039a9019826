"""Decoders that do not write to stderr: they know neither the file nor what to do next."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_FFMPEG_SILENT = "-8"  # AV_LOG_QUIET
_OPENCV_SILENT = 0  # in OpenCV 4 and 5


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
