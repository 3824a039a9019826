"""Image files of every format that is read, and the coded pictures of cameras and films."""

import random
import struct
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from fuzz.target import Target

from slsg_edge.errors import SlsgError
from slsg_edge.images import encode_image, peak_of, read_image
from slsg_edge.line.sources.captures import CannotOpen
from slsg_edge.line.sources.h264 import FrameNumbers
from slsg_edge.line.sources.jpeg import damage_of
from slsg_edge.line.sources.snapshots import _picture
from slsg_edge.line.sources.units import is_overwritten, length_size

_START = b"\x89PNG\r\n\x1a\n"


@cache
def _drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A small picture in colour, in grey, and with 16 bit."""
    rng = np.random.default_rng(0)
    colour = np.repeat(np.repeat(rng.integers(0, 256, (8, 9, 3), np.uint8), 5, 0), 5, 1)
    return colour, colour[..., 0].copy(), (colour.astype(np.uint16) * 16)


def _seeds(suffix: str) -> Sequence[bytes]:
    colour, grey, deep = _drawn()
    shown = [colour, grey]
    if suffix in (".png", ".tiff", ".pnm"):
        shown.append(deep)
    return [encode_image(each, suffix) for each in shown]


def _jpegs() -> Sequence[bytes]:
    import cv2

    colour, grey, _ = _drawn()
    kinds: tuple[list[int], ...] = (
        [],
        [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
        [cv2.IMWRITE_JPEG_RST_INTERVAL, 1],
    )
    return [cv2.imencode(".jpg", each, kind)[1].tobytes() for each in (colour, grey)
            for kind in kinds]  # fmt: skip


def _tiffs() -> Sequence[bytes]:
    import cv2

    colour, _, deep = _drawn()
    ways = [[cv2.IMWRITE_TIFF_COMPRESSION, each] for each in (1, 5, 7, 8, 32773)]
    made = [cv2.imencode(".tiff", colour, way)[1].tobytes() for way in ways]
    return [*made, cv2.imencode(".tiff", deep)[1].tobytes(), _BIG_TIFF]


# BigTIFF in the other order of bytes: one grey pixel.
_BIG_TIFF = b"".join(
    (
        b"MM\0+\0\x08\0\0" + struct.pack(">QQ", 16, 8),
        *(
            struct.pack(">HHQHHHH", tag, 3, 1, value, 0, 0, 0)
            for tag, value in (
                (256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 192), (278, 1), (279, 1),
            )
        ),
        bytes(8),
        b"\x80",
    )
)  # fmt: skip


def _read(suffix: str, content: bytes, folder: Path) -> None:
    """A picture, or why there is none; also what else is asked of a file of 16 bit."""
    path = folder / f"x{suffix}"
    path.write_bytes(content)
    with suppress(SlsgError):
        peak_of(path)
    image = read_image(path)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.size
    read_image(path, depth=12)


def _with_checksums(_: random.Random, content: bytes) -> bytes:
    """A PNG whose chunks have the checksums that they should have."""
    made, at = bytearray(content[: len(_START)]), len(_START)
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        if at + 12 + length > len(content):
            break
        chunk = content[at + 4 : at + 8 + length]
        made += content[at : at + 4] + chunk + struct.pack(">I", zlib.crc32(chunk))
        at += 12 + length
    return bytes(made + content[at:])


def _snapshot(content: bytes, _: Path) -> None:
    picture = _picture(content, 0.0, 0.0)
    assert (picture.image is None) == (picture.fault is not None)
    damage_of(content)


def _units(content: bytes, _: Path) -> None:
    """The first bytes are the parameters that a stream gives first, the rest are packets."""
    extradata, *packets = content.split(b"\xaa\xbb")
    numbers = FrameNumbers(extradata)
    for packet in packets:
        numbers.gap(packet)
        for codec in ("h264", "hevc"):
            is_overwritten(packet, length_size(codec, extradata))


def _streams() -> Sequence[bytes]:
    sps = bytes.fromhex("6764001facd940501ebff8800000030080000019078c18cb")
    head = b"\x01\x64\x00\x1f\xff\xe1" + struct.pack(">H", len(sps)) + sps + b"\x01\x00\x00"
    slices = [b"\0\0\1" + sps + b"\0\0\1\x65\x88\x84\x00", b"\0\0\1\x41\x9a\x21\x4c"]
    sized = struct.pack(">I", 5) + b"\x65\x88\x84\x21\xa0"
    return [b"\xaa\xbb".join((b"", *slices)), b"\xaa\xbb".join((head, sized, sized))]


@cache
def _films() -> Sequence[bytes]:
    """Three pictures of a film, as each container has them; none without PyAV."""
    try:
        import av
    except ImportError:
        return [b"no film"]
    import io

    made = []
    for kind, codec, form in (
        ("mp4", "h264", "yuv420p"),
        ("avi", "mjpeg", "yuvj420p"),
        ("matroska", "mpeg4", "yuv420p"),
        ("mpegts", "h264", "yuv420p"),
    ):
        written = io.BytesIO()
        with av.open(written, "w", format=kind) as container:
            stream: Any = container.add_stream(codec, rate=5)
            stream.width, stream.height, stream.pix_fmt = 32, 32, form
            for level in (10, 90, 200):
                array = np.full((32, 32, 3), level, np.uint8)
                frame = av.VideoFrame.from_ndarray(array, format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        made.append(written.getvalue())
    return made


def _film(content: bytes, folder: Path) -> None:
    from slsg_edge.line.sources.ffmpeg import open_ffmpeg

    path = folder / "x.film"
    path.write_bytes(content)
    capture = open_ffmpeg(f"file:{quote(str(path))}")
    try:
        for picture in islice(iter(capture.read, None), 100):
            assert picture.image is not None or picture.fault is not None
    finally:
        capture.close()


def _image(suffix: str, seeds: Callable[[], Sequence[bytes]] | None = None) -> Target:
    return Target(
        f"image{suffix}",
        seeds or (lambda: _seeds(suffix)),
        lambda content, folder: _read(suffix, content, folder),
    )


_NETPBM = (
    b"P5 2 2 255\n\1\2\3\4", b"P2 2 1 9\n1 2\n", b"P1\n2 2\n1 0\n0 1\n", b"P4 8 1\n\xaa",
    b"P6 1 1 255\n\1\2\3", b"P3 1 1 255 1 2 3\n", b"P5 #a\n2 2 65535\n\1\2\3\4\1\2\3\4",
)  # fmt: skip

TARGETS = (
    replace(_image(".png"), mend=_with_checksums),
    _image(".jpg", _jpegs),
    _image(".tiff", _tiffs),
    _image(".webp"),
    _image(".bmp"),
    _image(".jp2"),
    _image(".pnm", lambda: _NETPBM),
    Target("snapshot", lambda: [*_jpegs(), *_seeds(".png")], _snapshot),
    Target("h264 packet", _streams, _units),
    Target("film", _films, _film, refusals=(CannotOpen,)),
)
