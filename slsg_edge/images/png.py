"""PNG: its chunks and their checksums, and its rows where it may be cut between two chunks.

All of it before libpng, which complains on stderr and knows no name of a file.
"""

import zlib
from collections.abc import Iterator

from slsg_edge.images.header import TRUNCATED, Header, damaged

START = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
# First column and row of each pass of an interlaced picture, and the steps between its pixels.
_ADAM7 = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4),
    (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
)  # fmt: skip
_PIECE = 1 << 20  # bytes that are inflated at a time, so that a small file cannot fill the memory


def png_header(content: bytes) -> Header | None:
    """None where the first chunk does not say it."""
    if content[12:16] != b"IHDR" or len(content) < 33:
        return None
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    return Header("PNG", width, height, _frames(content), content[24])


def png_damage(content: bytes) -> str | None:
    """What is wrong with a PNG; None when it is whole. What follows its end does not matter."""
    rows: list[memoryview] = []
    for kind, payload, checksum in _chunks(content):
        if checksum != zlib.crc32(payload, zlib.crc32(kind)):
            return damaged(f"a checksum does not match (in {_name(kind)})")
        if kind == b"IDAT":
            rows.append(payload)
        if kind == b"IEND":
            return _rows_damage(content, rows) if _may_lack_rows(rows) else None
    return TRUNCATED


def _may_lack_rows(rows: list[memoryview]) -> bool:
    """Whether the file may be cut between two chunks; unpacking costs more than all the rest.

    Writers fill all chunks of rows to one size, so that the last one is shorter.
    """
    return not rows or (len(rows) > 1 and len(rows[-1]) >= len(rows[0]))


def _chunks(content: bytes) -> Iterator[tuple[bytes, memoryview, int]]:
    """Kind, payload and checksum of each chunk that is complete."""
    view, at = memoryview(content), len(START)
    while at + 12 <= len(content):
        end = at + 8 + int.from_bytes(content[at : at + 4], "big")
        if end + 4 > len(content):
            return
        checksum = int.from_bytes(content[end : end + 4], "big")
        yield content[at + 4 : at + 8], view[at + 8 : end], checksum
        at = end + 4


def _name(kind: bytes) -> str:
    return kind.decode("ascii", "replace") if kind.isalpha() else "a chunk without a name"


def _frames(content: bytes) -> int:
    """How many pictures an animated PNG shows; 1 where it is none."""
    for kind, payload, _ in _chunks(content):
        if kind == b"acTL":
            return max(1, int.from_bytes(payload[:4], "big"))
        if kind == b"IDAT":
            break
    return 1


def _rows_damage(content: bytes, rows: list[memoryview]) -> str | None:
    if content[12:16] != b"IHDR" or content[25] not in _CHANNELS:
        return damaged("its header makes no sense")
    due = _expected(content)
    try:
        found = _inflated_size(rows, due + _PIECE)
    except zlib.error:
        return damaged("its rows cannot be unpacked")
    return damaged("rows are missing") if found < due else None


def _inflated_size(rows: list[memoryview], most: int) -> int:
    """Bytes that the rows come to; what a decoder leaves over is not counted beyond `most`."""
    found = 0
    for size in _inflated(rows):
        found += size
        if found > most:
            break
    return found


def _inflated(rows: list[memoryview]) -> Iterator[int]:
    """How many bytes each piece of the compressed rows gives."""
    stream = zlib.decompressobj()
    for row in rows:
        waiting: bytes | memoryview = row
        while waiting:
            yield len(stream.decompress(waiting, _PIECE))
            waiting = stream.unconsumed_tail
    yield len(stream.flush())


def _expected(content: bytes) -> int:
    """Bytes of the rows, each with the number of its filter before it."""
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    bits = content[24] * _CHANNELS[content[25]]
    passes = _ADAM7 if content[28] else ((0, 0, 1, 1),)
    return sum(
        _bytes_of(-(-(width - left) // across), -(-(height - top) // down), bits)
        for left, top, across, down in passes
    )


def _bytes_of(width: int, height: int, bits: int) -> int:
    return 0 if width <= 0 else max(0, height) * (1 + (width * bits + 7) // 8)
