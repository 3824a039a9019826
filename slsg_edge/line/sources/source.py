"""Where frames come from: what the user writes, and the source that serves it.

Files give every frame; live sources (camera, stream) the newest. Knows nothing about detectors.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from slsg_edge.config import unknown_name
from slsg_edge.contracts import Frame
from slsg_edge.errors import CameraError, DatasetError
from slsg_edge.images import SUFFIXES, is_image
from slsg_edge.line.sources.captures import Capture, frame_count, open_capture
from slsg_edge.line.sources.files import FileSource, image_frames, images_and_notes, video_frames
from slsg_edge.line.sources.live import LiveOptions, LiveSource
from slsg_edge.line.sources.redaction import redacted

VIDEO_SUFFIXES = frozenset(
    {".avi", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpg", ".webm"}
)
SCHEMES = frozenset({"http", "https", "rtmp", "rtsp", "rtsps", "srt", "tcp", "udp"})
_DEVICES = Path("/dev")


class FrameSource(Protocol):
    """Frames in the order captured; a frame without an image says why.

    `live`: frames that nobody takes in time are replaced by newer ones and counted in `dropped`.
    """

    @property
    def live(self) -> bool: ...

    @property
    def dropped(self) -> int: ...

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None: ...

    def __enter__(self) -> "FrameSource": ...

    def __exit__(self, *_: object) -> None: ...


def open_source(
    address: str | Path, options: LiveOptions | None = None, depth: int | None = None
) -> FrameSource:
    """A folder of images, an image, a video, a camera (`0`, `/dev/video0`) or a URL.

    DatasetError or CameraError when it cannot be opened now. What fails later is a frame with a
    fault, and a live source reconnects for ever. depth: bits that image files of 16 bit use, as
    the bundle has it.
    """
    text, options = str(address), options or LiveOptions()
    if not text.strip():
        raise DatasetError(
            "SOURCE is empty, so nothing says what to inspect.",
            fix="Give a folder (. for this one), an image, a video, a camera such as 0, or a URL.",
        )
    if "://" in text:
        return _stream(text, options)
    if _is_camera(text):
        return _camera(text, options)
    return _files(Path(text), depth)


def _is_camera(text: str) -> bool:
    """A file or folder called `0` goes before the camera; `/dev/video0` always is the camera."""
    return text.startswith("/dev/") or (text.isdecimal() and not Path(text).exists())


def _stream(url: str, options: LiveOptions) -> FrameSource:
    scheme = url.partition("://")[0].lower()
    if scheme not in SCHEMES:
        raise unknown_name(scheme, SCHEMES, what="kind of URL")
    origin = redacted(url)
    capture = open_capture(url, options.deadlines)
    if capture is None:
        raise CameraError(
            f"{origin} gives no video.",
            fix="Check the address, user and password, and that the camera is on.",
        )
    # a video file on a web server: it has an end, so every frame counts
    if scheme.startswith("http") and frame_count(capture) > 0:
        return FileSource(video_frames(capture, origin))
    return LiveSource(lambda: open_capture(url, options.deadlines), origin, capture, options)


def _camera(text: str, options: LiveOptions) -> FrameSource:
    device = Path(f"/dev/video{int(text)}") if text.isdecimal() else Path(text)
    # elsewhere than on Linux a camera has an index but no device file
    if sys.platform == "linux" and not device.exists():
        raise CameraError(f"There is no camera {device}.", fix=_cameras_there())
    address = int(text) if text.isdecimal() else text

    def connect() -> Capture | None:
        return open_capture(address)

    capture = connect()
    if capture is None:
        raise CameraError(
            f"{device} gives no video.",
            fix="Check that no other program uses it and that you may read it: groups, video.",
        )
    return LiveSource(connect, str(device), capture, options)


def _cameras_there() -> str:
    found = ", ".join(str(path) for path in sorted(_DEVICES.glob("video*")))
    return f"Cameras found: {found}." if found else "No camera is connected; slsg-edge doctor."


def _files(path: Path, depth: int | None) -> FrameSource:
    if path.is_dir():
        images, notes = images_and_notes(path)
        return FileSource(image_frames(images, depth), notes)
    if not path.exists():
        raise DatasetError(
            f"There is no {path}.",
            fix="Give a folder, an image, a video, a camera such as 0, or a URL.",
        )
    if is_image(path):
        return FileSource(image_frames([path], depth))
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return _video(path)
    raise DatasetError(
        f"{path} is neither an image nor a video.",
        fix=f"Known endings: {', '.join(sorted(SUFFIXES | VIDEO_SUFFIXES))}.",
    )


def _video(path: Path) -> FrameSource:
    capture = open_capture(str(path))
    if capture is None:
        raise DatasetError(
            f"{path} is not a video that OpenCV can read.", fix="Check that it is complete."
        )
    return FileSource(video_frames(capture, str(path)))
