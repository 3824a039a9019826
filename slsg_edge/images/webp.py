"""WebP: its chunks, and zeros where an encoder writes none.

The format has no checksum, and libwebp decodes whatever stands there.
"""

from collections.abc import Iterator

from slsg_edge.images.header import TRUNCATED, Header, damaged

_PICTURES = (b"VP8 ", b"VP8L")
_LOSSLESS_RUN = 32  # bytes: encoders were measured to write 4 zeros in a row at most
_LOSSY_RUN = 64  # bytes, or one for so many pixels of a large plain picture, where 10000 were seen
_PIXELS = 4096


def is_webp(content: bytes) -> bool:
    return content[:4] == b"RIFF" and content[8:12] == b"WEBP"


def webp_header(content: bytes) -> Header | None:
    """None where no picture is found."""
    chunks = list(_chunks(content))
    frames = sum(kind == b"ANMF" for kind, _, _ in chunks)
    size = next((size for chunk in chunks if (size := _size(content, *chunk))), None)
    return None if size is None else Header("WebP", *size, pages=max(1, frames))


def webp_damage(content: bytes) -> str | None:
    """What is wrong with a WebP; None when nothing is found."""
    if len(content) < 8 + int.from_bytes(content[4:8], "little"):
        return TRUNCATED
    chunks = [one for one in _chunks(content) if one[0] in _PICTURES]
    if any(end > len(content) for _, _, end in chunks):
        return TRUNCATED
    header = webp_header(content)
    pixels = header.pixels if header else 0
    zeroed = any(_run(pixels, kind) in content[start:end] for kind, start, end in chunks)
    return damaged("a part of its data is zeroed") if zeroed else None


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each chunk, and where its payload starts and ends."""
    at = 12
    while at + 8 <= len(content):
        end = at + 8 + int.from_bytes(content[at + 4 : at + 8], "little")
        yield content[at : at + 4], at + 8, end
        at = end + (end & 1)


def _size(content: bytes, kind: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Width and height that a chunk tells."""
    payload = content[start : min(end, start + 10)]
    if len(payload) < (5 if kind == b"VP8L" else 10):
        return None
    if kind == b"VP8X":
        wide, high = (int.from_bytes(payload[at : at + 3], "little") for at in (4, 7))
        return wide + 1, high + 1
    if kind == b"VP8L":
        packed = int.from_bytes(payload[1:5], "little")
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        wide, high = (int.from_bytes(payload[at : at + 2], "little") & 0x3FFF for at in (6, 8))
        return wide, high
    return None


def _run(pixels: int, kind: bytes) -> bytes:
    """More zeros than an encoder writes in a row."""
    return bytes(_LOSSLESS_RUN if kind == b"VP8L" else max(_LOSSY_RUN, pixels // _PIXELS))
