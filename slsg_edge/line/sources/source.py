"""Where frames come from: what the user writes, and the source that serves it.

Files give every frame; live sources (camera, stream) the newest. Knows nothing about detectors.
"""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

from slsg_edge.config import unknown_name
from slsg_edge.contracts import Frame
from slsg_edge.errors import CameraError, ConfigError, DatasetError
from slsg_edge.images import SUFFIXES, is_image
from slsg_edge.line.sources.addresses import with_secrets
from slsg_edge.line.sources.captures import CannotOpen
from slsg_edge.line.sources.capturing import LiveOptions
from slsg_edge.line.sources.connecting import Address
from slsg_edge.line.sources.decoders import open_film, say_what_is_not_seen
from slsg_edge.line.sources.drop_folder import PREFIX as DROP
from slsg_edge.line.sources.drop_folder import DropFolder, drop_address
from slsg_edge.line.sources.files import FileSource, image_frames, images_and_notes, video_frames
from slsg_edge.line.sources.genicam import PREFIX as GENICAM
from slsg_edge.line.sources.genicam import check_genicam
from slsg_edge.line.sources.gstreamer import PREFIX as GSTREAMER
from slsg_edge.line.sources.gstreamer import origin_of
from slsg_edge.line.sources.live import LiveSource
from slsg_edge.line.sources.redaction import redacted
from slsg_edge.line.sources.test_pattern import PREFIX as TEST
from slsg_edge.line.sources.test_pattern import TestPattern

VIDEO_SUFFIXES = frozenset(
    {".avi", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpg", ".webm"}
)
SCHEMES = frozenset({"http", "https", "rtmp", "rtsp", "rtsps", "srt", "tcp", "udp"})
_FILMS = VIDEO_SUFFIXES - {".mjpeg", ".mjpg"}  # which streams are called, too
_DEVICES = Path("/dev")
_ONE_SLASH = re.compile(r"([A-Za-z]\w*):/*[^/\\]")


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


@runtime_checkable
class PartSource(FrameSource, Protocol):
    """A source that knows the parts it shows, as a drop folder does.

    idle: whether no part waits, which is no fault.
    """

    @property
    def idle(self) -> bool: ...

    def done(self, part: str) -> None:
        """The verdict on the frame with this `part` is kept."""


def open_source(
    address: str | Path,
    options: LiveOptions | None = None,
    depth: int | None = None,
    skip: Callable[[str], bool] = lambda part: False,
) -> FrameSource:
    """A folder of images, an image, a video, a camera (`0`, `/dev/video0`) or a URL.

    Also `drop:FOLDER` for files that drop into one, `gstreamer:PIPELINE`, `genicam:SERIAL`, and
    `test:` for a picture that moves.

    `${NAME}` in it stands for a variable of the environment, and `@FILE` for the line in a file.
    DatasetError or CameraError when it can never be opened. What fails later, or is off now, is a
    frame with a fault, and a live source reconnects for ever. depth: bits that image files of 16
    bit use, as the bundle has it. skip: parts of a drop folder that were inspected before.
    """
    text, options = with_secrets(str(address)), options or LiveOptions()
    if not text.strip():
        raise DatasetError(
            "SOURCE is empty, so nothing says what to inspect.",
            fix="Give a folder (. for this one), an image, a video, a camera such as 0, or a URL.",
        )
    if text.startswith(DROP):
        return DropFolder(drop_address(text), depth, skip)
    if text.startswith(TEST):
        return TestPattern(text)
    if text.startswith(GSTREAMER):
        return _pipeline(text, options)
    if text.startswith(GENICAM):
        return _genicam(text, options)
    if "://" in text:
        return _stream(text, options)
    if _is_camera(text):
        return _camera(text, options)
    _check_no_url(text)
    return _files(Path(text), options, depth)


def _is_camera(text: str) -> bool:
    """A file or folder called `0` goes before the camera; `/dev/video0` always is the camera."""
    return text.startswith("/dev/") or (text.isdecimal() and not Path(text).exists())


def _stream(url: str, options: LiveOptions) -> FrameSource:
    scheme = url.partition("://")[0].lower()
    if scheme not in SCHEMES:
        raise unknown_name(scheme, SCHEMES, what="kind of URL")
    origin = redacted(url)
    fix = "Check the address, user and password."
    source = _live(Address("stream", url, origin), options, f"{origin} gives no video", fix)
    # a video file on a web server: it has an end, so every frame counts
    if not (scheme.startswith("http") and (source.opened or 0) > 0):
        return source
    source.close()
    try:
        return FileSource(video_frames(open_film(url, options.deadlines), origin))
    except CannotOpen as error:
        raise CameraError(f"{origin} gives no video: {redacted(error.why)}.", fix=fix) from error


def _live(address: Address, options: LiveOptions, what: str, fix: str) -> LiveSource:
    """CameraError when the address cannot be right; what is only off is waited for."""
    source = LiveSource(address, options)
    try:
        # only a film on a web server needs to be known before the first frame is asked for
        film = address.kind == "stream" and _is_film(address.text)
        source.wait(options.deadlines.open if film else options.stall)
        if source.wrong is not None:
            raise CameraError(f"{what}: {source.wrong}.", fix=fix)
    except BaseException:
        source.close()
        raise
    return source


def _is_film(url: str) -> bool:
    return Path(urlsplit(url).path).suffix.lower() in _FILMS


def _pipeline(text: str, options: LiveOptions) -> FrameSource:
    origin = origin_of(text)
    fix = "Try it: gst-launch-1.0 PIPELINE ! videoconvert ! autovideosink"
    return _live(Address("gstreamer", text, origin), options, f"{origin} gives no video", fix)


def _genicam(text: str, options: LiveOptions) -> FrameSource:
    check_genicam()
    fix = "Check its serial number, that it has power, and that no other program uses it."
    return _live(Address("genicam", text, text), options, f"{text} gives no video", fix)


def _camera(text: str, options: LiveOptions) -> FrameSource:
    device = Path(f"/dev/video{int(text)}") if text.isdecimal() else Path(text)
    # elsewhere than on Linux a camera has an index but no device file
    if sys.platform == "linux" and not device.exists():
        raise CameraError(f"There is no camera {device}.", fix=_cameras_there())
    fix = "Check that no other program uses it and that you may read it: groups, video."
    return _live(Address("camera", text, str(device)), options, f"{device} gives no video", fix)


def _check_no_url(text: str) -> None:
    """ConfigError for what was meant as a URL: nothing of it may be told as the name of a file."""
    scheme = _ONE_SLASH.match(text)
    if scheme and scheme[1].lower() in SCHEMES:
        raise ConfigError(
            f"An address that begins with {text[: scheme.end() - 1]} is not a URL.",
            fix=f"Begin it with {scheme[1].lower()}:// and two slashes.",
        )
    if redacted(text) != text and not Path(text).exists():
        raise ConfigError(
            f"'{redacted(text)}' is not a URL, since it does not begin with a scheme.",
            fix="Begin it with rtsp:// or http://.",
        )


def _cameras_there() -> str:
    found = ", ".join(str(path) for path in sorted(_DEVICES.glob("video*")))
    return f"Cameras found: {found}." if found else "No camera is connected; slsg-edge doctor."


def _files(path: Path, options: LiveOptions, depth: int | None) -> FrameSource:
    if path.is_fifo() or path.is_char_device():
        address = Address("file", str(path), str(path))
        return _live(address, options, f"{path} gives no video", "Check what writes into it.")
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
    try:
        capture = open_film(str(path))
    except CannotOpen as error:
        raise DatasetError(
            f"{path} is not a video that can be read: {error.why}.",
            fix="Check that it is complete.",
        ) from error
    say_what_is_not_seen(capture.codec)
    return FileSource(video_frames(capture, str(path)))
