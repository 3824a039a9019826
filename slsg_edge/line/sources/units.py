"""NAL units: the pieces that an H.264 or H.265 stream consists of."""

import re
from collections.abc import Iterator

_CODE = b"\0\0\1"
# Encoders put a 3 behind two zeros, so that nothing looks like the code between two units.
_FORBIDDEN = re.compile(rb"\x00\x00[\x00-\x02]|\x00\x00\x03[^\x00-\x03]")
_LENGTH_AT = {"h264": 4, "hevc": 21}  # byte of the parameters that says how long a length is

CODED_IN_UNITS = frozenset(_LENGTH_AT)


def length_size(codec: str, extradata: bytes) -> int:
    """Bytes of the length before each unit; 0 where codes stand between them."""
    at = _LENGTH_AT[codec]
    return extradata[at] % 4 + 1 if extradata[:1] == b"\1" and len(extradata) > at else 0


def units_of(packet: bytes, length: int) -> Iterator[bytes]:
    """Each unit of a packet, without what stands between two."""
    if not length:
        yield from (part.rstrip(b"\0") for part in packet.split(_CODE)[1:])
        return
    at = 0
    while at + length < len(packet):
        size = int.from_bytes(packet[at : at + length], "big")
        yield packet[at + length : at + length + size]
        at += length + size


def is_overwritten(packet: bytes, length: int) -> bool:
    """Whether a unit holds bytes that no encoder writes, as zeros where data were lost.

    Decoders do not ask, and arithmetic coding makes some picture of any bytes.
    """
    return any(_FORBIDDEN.search(unit) for unit in units_of(packet, length))
