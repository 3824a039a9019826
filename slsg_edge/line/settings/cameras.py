"""Which camera a source is, so that two stations on one are noticed, however it is written."""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from slsg_edge.errors import ConfigError
from slsg_edge.line.settings.places import DROP, drop_folder
from slsg_edge.line.sources.addresses import with_secrets
from slsg_edge.line.sources.source import VIDEO_SUFFIXES

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935}
_STREAMS = frozenset({".mjpeg", ".mjpg"})
_GSTREAMER = "gstreamer:"
# What a pipeline of GStreamer reads: `device=/dev/video0` or `location=rtsp://…`.
_READS = re.compile(r"""\b(?:device|location|uri)\s*=\s*["']?([^\s"'!]+)""")


def camera_of(source: str) -> str | None:
    """The same text for the same camera or drop folder; None for what any number may read."""
    try:
        text = with_secrets(source)
    except ConfigError:  # its variable is set where the line runs
        text = source
    if "\0" in text:  # nothing that can be opened
        return text
    if text.startswith(_GSTREAMER):
        read = _READS.search(text)
        return camera_of(read[1]) if read else " ".join(text.split())
    if "://" in text:
        return _stream(text)
    if text.startswith(("genicam:", "${")):
        return text
    if text.startswith(DROP):
        return DROP + os.path.realpath(drop_folder(text))
    if text.isdecimal():
        return os.path.realpath(f"/dev/video{int(text) if len(text) < 10 else text}")
    return os.path.realpath(text) if text.startswith("/dev/") else None


def _stream(url: str) -> str | None:
    """Without user and password; None for a film on a web server, which each may read."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme.lower())
    except ValueError:
        return url
    if Path(parts.path).suffix.lower() in VIDEO_SUFFIXES - _STREAMS:
        return None
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme.lower()}://{parts.hostname}:{port}{parts.path.rstrip('/')}{query}"
