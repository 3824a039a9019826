"""Whether the compressed pieces of a TIFF are whole. libtiff fills what is missing or goes on.

Checked: uncompressed (that it is there), LZW, Deflate, PackBits and JPEG. Deflate has a checksum,
and what PackBits unpacks to must have the right size. LZW has neither, but no encoder gives the
same code three times in a row, which is what an overwritten part is.
"""

import zlib

from slsg_edge.images.header import TRUNCATED, damaged
from slsg_edge.images.jpeg import jpeg_damage
from slsg_edge.images.tiff import Page, Piece, pages_of

_NONE, _LZW, _JPEG, _PACKBITS, _DEFLATE = 1, 5, 7, 32773, (8, 32946)
_DAMAGED = damaged("a part of its data cannot be unpacked")
_SURPLUS = 1 << 16  # bytes
_RUNS = (bytes(8), b"\xff" * 8)  # longer than four codes of LZW


def tiff_damage(content: bytes) -> str | None:
    """What is wrong with the first picture of a TIFF; None when nothing is found."""
    pages = pages_of(content)
    pieces = list(pages[0].pieces()) if pages else []
    if not pieces:
        return TRUNCATED
    if any(piece.start + (piece.size or 1) > len(content) for piece in pieces):
        return TRUNCATED
    if sum(piece.size or 0 for piece in pieces) > 2 * len(content):
        return damaged("its parts lie over each other")
    found = (_piece_damage(content, pages[0], piece) for piece in pieces)
    return next((damage for damage in found if damage), None)


def _piece_damage(content: bytes, page: Page, piece: Piece) -> str | None:
    if piece.size is None or page.reversed_bits:
        return None
    data = content[piece.start : piece.start + piece.size]
    if page.compression == _JPEG:
        return jpeg_damage(page.jpeg_tables[:-2] + data[2:] if page.jpeg_tables else data)
    unpacked = _unpacked(page.compression, data, piece.expected)
    if unpacked is None or piece.expected is None:
        return None
    return None if unpacked >= piece.expected else _DAMAGED


def _unpacked(compression: int, data: bytes, expected: int | None) -> int | None:
    """Bytes that a piece gives, -1 when it is damaged; None where this is not known."""
    if compression == _NONE:
        return len(data)
    if compression == _PACKBITS:
        return _packbits(data)
    if compression in _DEFLATE:
        return _deflated(data, (expected or 0) + _SURPLUS)
    return -1 if compression == _LZW and any(run in data for run in _RUNS) else None


def _deflated(data: bytes, most: int) -> int:
    """What a decoder leaves over is not unpacked beyond `most`: a small file may hold very much."""
    stream = zlib.decompressobj()
    found = 0
    try:
        while data:
            if found > most:
                return found
            found += len(stream.decompress(data, 1 << 20))
            data = stream.unconsumed_tail
    except zlib.error:
        return -1
    return found if stream.eof else -1


def _packbits(data: bytes) -> int:
    """The number of bytes; -1 where the last run is cut."""
    at = found = 0
    while at < len(data):
        lead = data[at]
        at += 1 + (lead + 1 if lead < 128 else lead > 128)
        found += lead + 1 if lead < 128 else 257 - lead if lead > 128 else 0
    return found if at == len(data) else -1
