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
from slsg_edge.line.sources.captures import CannotOpen, Capture
from slsg_edge.line.sources.decoders import (
    open_camera,
    open_film,
    open_stream,
    say_what_is_not_seen,
)
from slsg_edge.line.sources.files import FileSource, image_frames, images_in, video_frames
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
    if "://" in text:
        return _stream(text, options)
    if text.isdecimal() or text.startswith("/dev/"):
        return _camera(text, options)
    return _files(Path(text), depth)


def _stream(url: str, options: LiveOptions) -> FrameSource:
    scheme = url.partition("://")[0].lower()
    if scheme not in SCHEMES:
        raise unknown_name(scheme, SCHEMES, what="kind of URL")
    origin = redacted(url)
    try:
        capture = open_stream(url, options.deadlines)
    except CannotOpen as error:
        raise CameraError(
            f"{origin} gives no video.",
            fix="Check the address, user and password, and that the camera is on.",
        ) from error
    # a video file on a web server: it has an end, so every frame counts
    if scheme.startswith("http") and capture.frame_count > 0:
        return FileSource(video_frames(capture, origin))
    return LiveSource(lambda: open_stream(url, options.deadlines), origin, capture, options)


def _camera(text: str, options: LiveOptions) -> FrameSource:
    device = Path(f"/dev/video{int(text)}") if text.isdecimal() else Path(text)
    # elsewhere than on Linux a camera has an index but no device file
    if sys.platform == "linux" and not device.exists():
        raise CameraError(f"There is no camera {device}.", fix=_cameras_there())

    def connect() -> Capture:
        return open_camera(text)

    try:
        capture = connect()
    except CannotOpen as error:
        raise CameraError(
            f"{device} gives no video.",
            fix="Check that no other program uses it and that you may read it: groups, video.",
        ) from error
    return LiveSource(connect, str(device), capture, options)


def _cameras_there() -> str:
    found = ", ".join(str(path) for path in sorted(_DEVICES.glob("video*")))
    return f"Cameras found: {found}." if found else "No camera is connected; slsg-edge doctor."


def _files(path: Path, depth: int | None) -> FrameSource:
    if path.is_dir():
        return FileSource(image_frames(images_in(path), depth))
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
    say_what_is_not_seen()
    try:
        capture = open_film(str(path))
    except CannotOpen as error:
        raise DatasetError(
            f"{path} is not a video that can be read: {error.why}.",
            fix="Check that it is complete.",
        ) from error
    return FileSource(video_frames(capture, str(path)))
