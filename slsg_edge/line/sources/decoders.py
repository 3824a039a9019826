"""Which decoder a camera, a stream or a film has.

PyAV says which pictures are damaged, and OpenCV does not: it paints what is missing from the
picture before. So streams and films are PyAV's where it is installed.
"""

import sys
from importlib.util import find_spec

from slsg_edge.line.sources.captures import Capture, Deadlines

BLIND = (
    "warning: PyAV is not installed, so OpenCV decodes this source: it paints over what is damaged "
    "or did not arrive, which is then inspected, and the age of a picture counts from its arrival. "
    "Run: pip install 'slsg-edge[line]'"
)

UNCHECKED = frozenset({"av1", "libdav1d", "vp8", "vp9"})  # as FFmpeg names them


def decoder_reports_damage() -> bool:
    """Whether PyAV is here."""
    return find_spec("av") is not None


def open_film(path: str, deadlines: Deadlines | None = None) -> Capture:
    """A film of which every frame counts, with `deadlines` where it is on a server.

    CannotOpen when it is none.
    """
    if decoder_reports_damage():
        from slsg_edge.line.sources.ffmpeg import open_ffmpeg

        return open_ffmpeg(path, deadlines, live=False)
    return _opencv(path, deadlines)


def open_stream(url: str, deadlines: Deadlines) -> Capture:
    """CannotOpen when there is none now."""
    if decoder_reports_damage():
        from slsg_edge.line.sources.ffmpeg import open_ffmpeg

        return open_ffmpeg(url, deadlines, live=True)
    return _opencv(url, deadlines)


def open_camera(device: str) -> Capture:
    """A camera at this machine by its index or its file: FFmpeg's builds for PyAV have none."""
    return _opencv(int(device) if device.isdecimal() else device)


def say_what_is_not_seen(codec: str = "") -> None:
    """For people, of a source that OpenCV has to decode, or whose coding holds no checks."""
    if not decoder_reports_damage():
        print(BLIND, file=sys.stderr, flush=True)
    elif codec in UNCHECKED:
        text = f"warning: {codec} makes some picture of any bytes: altered ones are not noticed."
        print(f"{text} Use H.264 or MJPEG where they may be.", file=sys.stderr, flush=True)


def _opencv(address: str | int, deadlines: Deadlines | None = None) -> Capture:
    from slsg_edge.line.sources.opencv import open_opencv

    return open_opencv(address, deadlines)
