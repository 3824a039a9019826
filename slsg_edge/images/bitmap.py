"""BMP: how large the picture is, and whether all of it is there."""

from slsg_edge.images.header import TRUNCATED, Header

_CORE = 12  # bytes of the oldest header of a BMP
_PLAIN = (0, 3, 6)  # not compressed


def bmp_header(content: bytes) -> Header | None:
    """None where the header is cut."""
    if len(content) < 30:
        return None
    size = 2 if _number(content, 14) == _CORE else 4
    return Header("BMP", _number(content, 18, size), abs(_signed(content, 18 + size, size)))


def bmp_damage(content: bytes) -> str | None:
    """What is wrong with a BMP; None when all rows are there."""
    header = bmp_header(content)
    if header is None:
        return TRUNCATED
    core = _number(content, 14) == _CORE
    bits = _number(content, 24 if core else 28, 2)
    compressed = not core and _number(content, 30) not in _PLAIN
    rows = 0 if compressed else (header.width * bits + 31) // 32 * 4 * header.height
    return TRUNCATED if len(content) < _number(content, 10) + rows else None


def _number(content: bytes, at: int, size: int = 4) -> int:
    return int.from_bytes(content[at : at + size], "little")


def _signed(content: bytes, at: int, size: int) -> int:
    return int.from_bytes(content[at : at + size], "little", signed=True)
