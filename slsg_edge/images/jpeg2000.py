"""JPEG 2000: its size, whether each part of each tile is there, and zeros that nobody wrote.

The format has no checksum, and OpenJPEG decodes what it finds.
"""

from collections.abc import Iterator

from slsg_edge.images.header import TRUNCATED, Header, damaged

_START = b"\xff\x4f\xff\x51"  # of a codestream: its first marker, and then the size
_BOX = b"\0\0\0\x0cjP  "
_PICTURE = b"jp2c"  # the kind of the box with the codestream
_PART, _END = b"\xff\x90", b"\xff\xd9"
_RUN = bytes(64)  # more zeros than an encoder was measured to write in a row


def is_jpeg2000(content: bytes) -> bool:
    return content.startswith((_BOX, _START))


def jpeg2000_header(content: bytes) -> Header | None:
    """None where no codestream is found."""
    at = _codestream(content)
    if at < 0 or len(content) < at + 43:
        return None
    right, bottom, left, top = (_number(content, at + 8 + 4 * index) for index in range(4))
    bits = (content[at + 42] & 0x7F) + 1
    return Header("JPEG 2000", right - left, bottom - top, 1, bits)


def jpeg2000_damage(content: bytes) -> str | None:
    """What is wrong with it; None when nothing is found."""
    end = 0
    for start, end in _parts(content):
        if end > len(content):
            return TRUNCATED
        if _RUN in content[start:end]:
            return damaged("a part of its data is zeroed")
    return None if end and content[end : end + 2] == _END else TRUNCATED


def _parts(content: bytes) -> Iterator[tuple[int, int]]:
    """Where the parts of tiles start and end."""
    start, last = _codestream(content), content.rfind(_END)
    at = content.find(_PART, start) if start >= 0 else -1
    while at >= 0 and content[at : at + 2] == _PART:
        length = _number(content, at + 6)
        end = at + length if length else max(last, at + 12)
        yield at, end
        at = max(end, at + 12)


def _codestream(content: bytes) -> int:
    """Where the one starts that is decoded, and not what another box holds; -1 without one."""
    at = 0
    while content.startswith(_BOX) and at + 8 <= len(content):
        size, head = _number(content, at), 8
        if size == 1:
            size, head = int.from_bytes(content[at + 8 : at + 16], "big"), 16
        if content[at + 4 : at + 8] == _PICTURE:
            at += head
            break
        if size < head:
            return -1
        at += size
    return at if content.startswith(_START, at) else -1


def _number(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 4], "big")
