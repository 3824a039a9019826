"""How a camera or a stream is connected to: is anybody there, what do they send, who decodes it."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from slsg_edge.line.sources.captures import CannotOpen, Capture
from slsg_edge.line.sources.capturing import LiveOptions
from slsg_edge.line.sources.decoders import open_camera, open_stream
from slsg_edge.line.sources.genicam import open_genicam
from slsg_edge.line.sources.gstreamer import open_gstreamer

Kind: TypeAlias = Literal["camera", "file", "genicam", "gstreamer", "stream"]

_PORTS = {"http": 80, "https": 443, "rtmp": 1935, "rtsp": 554, "rtsps": 322}
_KNOCK = 1.0  # seconds that a host may take to accept a connection


@dataclass(frozen=True, slots=True)
class Address:
    """kind: `file` is one that gives pictures as they come, as a FIFO does.

    text: as libraries take it, with its password. origin: for people, without it.
    """

    kind: Kind
    text: str
    origin: str


def connector(address: Address, options: LiveOptions) -> Callable[[], Capture]:
    """What connects; CannotOpen where it cannot."""
    if address.kind == "camera":
        return lambda: open_camera(address.text)
    if address.kind == "file":
        return lambda: open_stream(address.text, options.deadlines)
    if address.kind == "gstreamer":
        return lambda: open_gstreamer(address.text, options.deadlines)
    if address.kind == "genicam":
        return lambda: open_genicam(address.text, options.deadlines)
    return lambda: _connected(address.text, options)


def _connected(url: str, options: LiveOptions) -> Capture:
    # only here: it takes long to import, and a watch of files needs none of it
    from slsg_edge.line.sources.snapshots import Snapshots, gives_single_pictures

    if not _is_behind_proxy(url):
        knock(url, min(_KNOCK, options.deadlines.open))
    if urlsplit(url).scheme.lower().startswith("http"):
        single = gives_single_pictures(url, options.deadlines.open)
        if single:
            return Snapshots(url, options.every, options.deadlines.read)
    return open_stream(url, options.deadlines)


def _is_behind_proxy(url: str) -> bool:
    """Whether libraries ask another host for it, as the environment says."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    return parts.scheme.lower() in getproxies() and not proxy_bypass(parts.hostname or "")


def knock(url: str, patience: float) -> None:
    """CannotOpen at once where the host is unknown or takes no connection: libraries wait long."""
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS.get(parts.scheme.lower())
    except ValueError as error:
        raise CannotOpen("its port is not a number up to 65535", wrong=True) from error
    if port is None or not parts.hostname or parts.scheme.lower() not in _PORTS:
        return
    try:
        socket.create_connection((parts.hostname, port), patience).close()
    except socket.gaierror as error:
        unknown = error.errno == socket.EAI_NONAME
        raise CannotOpen("its host is not known", wrong=unknown) from error
    except (OSError, UnicodeError) as error:
        raise CannotOpen(getattr(error, "strerror", None) or "no answer") from error
