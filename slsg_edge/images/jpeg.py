"""JPEG: where the picture ends, how large it is, and whether its compressed data are whole.

libjpeg only warns of damaged data, and OpenCV swallows that: what is missing becomes grey. Here
a warning is an error. The decoder is libjpeg-turbo by the package `simplejpeg`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from slsg_edge.images.header import TRUNCATED, Header, damaged

START = b"\xff\xd8\xff"
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # stuffed zeros and restarts are scan data
_END, _SCAN, _HUFFMAN, _QUANTISATION = 0xD9, 0xDA, 0xC4, 0xDB
_WITHOUT_LENGTH = (0x01, 0xD8)
_COMMENTS = (*range(0xE0, 0xF0), 0xFE)
_FRAMES = tuple(set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC})
_SEQUENTIAL = (0xC0, 0xC1)
_PADDING = 7  # bytes: some cameras fill the data up to a multiple of 8
_MOST_SCANS = 100  # a decoder goes through all of the picture for each, however small it is
_RUN = bytes(32)  # more zeros than one block that consists of -1 only
# What libjpeg-turbo says of kinds of JPEG that it does not know, or of notes that it does not like.
_NOT_KNOWN = (
    "Unsupported JPEG", "Unsupported color", "Sorry", "Maximum", "Insufficient memory",
    "Invalid SOS", "Inconsistent", "Warning", "Unknown",
)  # fmt: skip
_FIRST = (b"\x11", b"\x21", b"\x22", b"\x12", b"\x41", b"\x14")  # of brightness; colours have 11
_SAMPLING = "Could not determine subsampling"  # also where the header is damaged
_SURPLUS = re.compile(r"(\d+) extraneous bytes before marker 0xd9")


@dataclass(slots=True)
class _Segments:
    """A JPEG from its first marker to its end marker.

    picture: without comments, thumbnails and what stands after the end.
    tables: by their number, the symbol that only zeros stand for, of each table of AC coefficients.
    """

    picture: bytearray = field(default_factory=bytearray)
    frame: int = 0
    width: int = 0
    height: int = 0
    channels: int = 0
    usual_sampling: bool = False
    tables: dict[int, int] = field(default_factory=dict)
    scans: list[tuple[int, ...]] = field(default_factory=list)
    empty_quantisation: bool = False
    complete: bool = False


def jpeg_header(content: bytes) -> Header | None:
    """None where no frame is found."""
    for marker, start, end in _markers(content):
        if marker in _FRAMES:
            found = _Segments()
            _read_frame(found, marker, content[start:end])
            return Header("JPEG", found.width, found.height) if found.channels else None
    return None


def jpeg_damage(content: bytes) -> str | None:
    """What is wrong with a JPEG; None when it is whole. What follows its end does not matter."""
    found = _segments(content)
    if not found.complete:
        return TRUNCATED
    if len(found.scans) > _MOST_SCANS:
        return damaged(f"it has {len(found.scans)} scans, where an encoder writes a dozen")
    if found.empty_quantisation:
        return damaged("a quantisation table holds zeros")
    if _RUN in found.picture and not _zeros_are_flat(found):
        return damaged("a part of its data is zeroed")
    return _warning(found)


def _markers(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Each marker with where its segment's payload starts and ends, up to the end marker."""
    at = 2
    while match := _MARKER.search(content, at):
        marker, at = content[match.end() - 1], match.end()
        start = end = at
        if marker != _END and marker not in _WITHOUT_LENGTH:
            start, end = at + 2, at + int.from_bytes(content[at : at + 2], "big")
        yield marker, start, end
        if marker == _END:
            return
        at = max(end, at)


def _segments(content: bytes) -> _Segments:
    found = _Segments()
    kept = 0
    for marker, start, end in _markers(content):
        if marker in _COMMENTS:
            found.picture += content[kept : start - 4]
            kept = end
        elif marker == _END:
            found.picture += content[kept:end]
            found.complete = True
        else:
            _note(found, marker, content[start:end])
    return found


def _note(found: _Segments, marker: int, payload: bytes) -> None:
    if marker in _FRAMES:
        _read_frame(found, marker, payload)
    elif marker == _HUFFMAN:
        _read_tables(found, payload)
    elif marker == _QUANTISATION:
        found.empty_quantisation |= _has_zeros(payload)
    elif marker == _SCAN and payload:
        found.scans.append(tuple(one & 15 for one in payload[2 : 1 + 2 * payload[0] : 2]))


def _read_frame(found: _Segments, marker: int, payload: bytes) -> None:
    if len(payload) >= 6 and not found.frame:
        found.frame = marker
        found.height = int.from_bytes(payload[1:3], "big")
        found.width = int.from_bytes(payload[3:5], "big")
        found.channels = payload[5]
        factors = payload[7 : 6 + 3 * payload[5] : 3]
        found.usual_sampling = factors[:1] in _FIRST and set(factors[1:]) <= {0x11}


def _read_tables(found: _Segments, payload: bytes) -> None:
    at = 0
    while at + 17 < len(payload):
        kind, symbols = payload[at], sum(payload[at + 1 : at + 17])
        if kind >> 4:
            found.tables[kind & 15] = payload[at + 17]
        at += 17 + symbols


def _has_zeros(payload: bytes) -> bool:
    """A step of zero makes every coefficient of its kind vanish; no encoder writes one."""
    at = 0
    while at < len(payload):
        size = 2 if payload[at] >> 4 else 1
        steps = payload[at + 1 : at + 1 + 64 * size]
        if any(not any(steps[index : index + size]) for index in range(0, len(steps), size)):
            return True
        at += 1 + 64 * size
    return False


def _zeros_are_flat(found: _Segments) -> bool:
    """Whether many zeros in a row may stand for blocks without detail.

    They do where each table that takes part gives the end of a block the code of zeros only. With
    the tables of most cameras they do not: such zeros were never written by an encoder.
    """
    if found.frame not in _SEQUENTIAL or len(found.scans) != 1:
        return True
    return all(found.tables.get(table, 0) == 0 for table in found.scans[0])


def _warning(found: _Segments) -> str | None:
    """What libjpeg complains of while it decodes the picture at an eighth of its size."""
    try:
        import simplejpeg
    except ImportError:  # no wheel for this machine: markers and zeros were looked at all the same
        return None
    picture = bytes(found.picture)
    space = "CMYK" if found.channels == 4 else "GRAY"
    try:
        simplejpeg.decode_jpeg(picture, space, min_height=1, min_width=1, strict=True)
    except (ValueError, RuntimeError) as error:
        return _complaint(str(error), picture, found.usual_sampling)
    return None


def _complaint(text: str, picture: bytes, usual_sampling: bool) -> str | None:
    """None for what OpenCV is to judge, as a kind of JPEG that turbo does not know."""
    if text.startswith(_NOT_KNOWN) or (_SAMPLING in text and not usual_sampling):
        return None
    if _SAMPLING in text:
        return damaged("its header makes no sense")
    surplus = _SURPLUS.search(text)
    count = int(surplus[1]) if surplus else 0
    if 0 < count <= _PADDING and picture[-2 - count : -2] == bytes(count):
        return None
    return damaged(text.strip().rstrip("."))
