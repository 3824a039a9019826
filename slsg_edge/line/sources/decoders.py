"""Which decoder a camera, a stream or a film has.

PyAV says which pictures are damaged, and OpenCV does not: it paints what is missing from the
picture before. So streams and films are PyAV's where it is installed.
"""

import sys
from importlib.util import find_spec

from slsg_edge.line.sources.captures import Capture, Deadlines

BLIND = (
    "warning: PyAV is not installed, so OpenCV decodes: a picture that arrived in part or is "
    "damaged cannot be told from a whole one unless it is a JPEG file, and ages of pictures are "
    "counted from their arrival. Run: pip install 'slsg-edge[line]'"
)


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


def say_what_is_not_seen() -> None:
    """Once for a source that OpenCV has to decode."""
    if not decoder_reports_damage():
        print(BLIND, file=sys.stderr, flush=True)


def _opencv(address: str | int, deadlines: Deadlines | None = None) -> Capture:
    from slsg_edge.line.sources.opencv import open_opencv

    return open_opencv(address, deadlines)
