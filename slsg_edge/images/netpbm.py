"""PBM, PGM and PPM: the header in words, and whether all samples are there."""

import re

from slsg_edge.images.header import TRUNCATED, Header

_SPACE = rb"(?:\s|#[^\n]*\n)+"
_SIDE = rb"(\d{1,18})"  # digits: a header may claim more than any computer has
_BITMAP = re.compile(rb"P([14])" + _SPACE + _SIDE + _SPACE + _SIDE + rb"\s")
_MAP = re.compile(rb"P([2356])" + _SPACE + _SIDE + _SPACE + _SIDE + _SPACE + rb"(\d{1,18})\s")
_NAMES = {1: "PBM", 4: "PBM", 2: "PGM", 5: "PGM", 3: "PPM", 6: "PPM"}
_NUMBER = re.compile(rb"\d+")


def is_netpbm(content: bytes) -> bool:
    return content[:1] == b"P" and content[1:2].isdigit() and content[1:2] in b"123456"


def netpbm_header(content: bytes) -> Header | None:
    """None where it is cut."""
    found = _match(content)
    if found is None:
        return None
    kind, width, height = (int(found[group]) for group in (1, 2, 3))
    behind = content[found.end() + _size(found) :] if kind >= 4 else b""
    return Header(_NAMES[kind], width, height, 2 if is_netpbm(behind) else 1, _bits(found))


def netpbm_damage(content: bytes) -> str | None:
    """What is wrong with it; None when all samples are there."""
    found = _match(content)
    if found is None:
        return TRUNCATED
    if int(found[1]) >= 4:
        return None if len(content) >= found.end() + _size(found) else TRUNCATED
    numbers = sum(1 for _ in _NUMBER.finditer(content, found.end()))
    packed = int(found[1]) == 1  # its ones and zeros may stand side by side
    return None if packed or numbers >= _samples(found) else TRUNCATED


def _match(content: bytes) -> "re.Match[bytes] | None":
    return _BITMAP.match(content) or _MAP.match(content)


def _bits(found: "re.Match[bytes]") -> int:
    if int(found[1]) in (1, 4):
        return 1
    return 16 if int(found[4]) > 255 else 8


def _samples(found: "re.Match[bytes]") -> int:
    return int(found[2]) * int(found[3]) * (3 if int(found[1]) in (3, 6) else 1)


def _size(found: "re.Match[bytes]") -> int:
    """Bytes of the samples."""
    if int(found[1]) == 4:
        return (int(found[2]) + 7) // 8 * int(found[3])
    return _samples(found) * (_bits(found) // 8)
