"""Pictures of an H.264 stream that never came, by the numbers that its slices carry.

FFmpeg's decoder shows the picture before in the place of one that is missing and says nothing.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from slsg_edge.line.sources.units import length_size, units_of

_SLICE, _IDR, _SPS = 1, 5, 7  # kinds of NAL unit
_WITH_CHROMA = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_HEAD = 64  # bytes of a NAL unit that are read: more than the fields asked for take
_LONGEST_SEQUENCE = 1024  # bytes of a parameter set up to the fields asked for
_FRAME_NUMBERS = 4  # bits that the counter has at least


class _Bits:
    """Reads the fields of a NAL unit; IndexError where it ends before."""

    def __init__(self, content: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in content.replace(b"\0\0\3", b"\0\0"))
        self._at = 0

    def number(self, bits: int) -> int:
        taken = self._bits[self._at : self._at + bits]
        if len(taken) < bits:
            raise IndexError
        self._at += bits
        return int(taken, 2) if bits else 0

    def golomb(self) -> int:
        one = self._bits.find("1", self._at)
        if one < 0:
            raise IndexError
        zeros, self._at = one - self._at, one
        return self.number(zeros + 1) - 1

    def signed(self) -> int:
        value = self.golomb()
        return (value + 1) // 2 if value % 2 else -(value // 2)


@dataclass(frozen=True, slots=True)
class _Sequence:
    """What a sequence parameter set says of the counter. gaps: whether it may jump."""

    bits: int
    gaps: bool
    planes: bool


class FrameNumbers:
    """Reads packets in the order of decoding; knows whether a picture before was lost."""

    def __init__(self, extradata: bytes) -> None:
        self._length = length_size("h264", extradata)
        self._sequence: _Sequence | None = None
        self._last: int | None = None
        if self._length:
            size = int.from_bytes(extradata[6:8], "big")
            with suppress(IndexError):  # one comes with the pictures, or none is missed
                self._take_sequence(extradata[8 : 8 + size])
        else:
            self.gap(extradata)

    def gap(self, packet: bytes) -> bool:
        """Whether a picture that others refer to is missing before this one."""
        try:
            return any(self._gap_before(unit) for unit in self._pictures(packet))
        except IndexError:  # a damaged packet, which the decoder complains of
            return False

    def _pictures(self, packet: bytes) -> Iterator[bytes]:
        """The first unit of a picture in a packet, after its parameter sets are taken."""
        for unit in units_of(packet, self._length):
            kind = unit[0] & 31 if unit else 0
            if kind == _SPS:
                self._take_sequence(unit)
            elif kind in (_SLICE, _IDR):
                yield unit
                return

    def _take_sequence(self, unit: bytes) -> None:
        self._sequence = _sequence_of(unit)

    def _gap_before(self, unit: bytes) -> bool:
        if self._sequence is None or self._sequence.gaps:
            return False
        bits = _Bits(unit[1:_HEAD])
        bits.golomb()  # its first macroblock
        bits.golomb()  # its type
        bits.golomb()  # its picture parameter set
        if self._sequence.planes:
            bits.number(2)
        number = bits.number(self._sequence.bits)
        last, referred = self._last, unit[0] >> 5 & 3
        if unit[0] & 31 == _IDR:
            last = None
        if referred:
            self._last = number
        return last is not None and number not in (last, (last + 1) % (1 << self._sequence.bits))


def _sequence_of(unit: bytes) -> _Sequence:
    bits = _Bits(unit[1:_LONGEST_SEQUENCE])
    profile = bits.number(8)
    bits.number(16)
    bits.golomb()
    planes = _skip_chroma(bits) if profile in _WITH_CHROMA else False
    counter = bits.golomb() + _FRAME_NUMBERS
    _skip_order(bits)
    bits.golomb()  # pictures that are kept to refer to
    return _Sequence(counter, bool(bits.number(1)), planes)


def _skip_chroma(bits: _Bits) -> bool:
    """Whether each colour plane is coded by itself."""
    chroma = bits.golomb()
    planes = bool(bits.number(1)) if chroma == 3 else False
    bits.golomb()
    bits.golomb()
    bits.number(1)
    if bits.number(1):
        for index in range(12 if chroma == 3 else 8):
            if bits.number(1):
                _skip_scaling(bits, 16 if index < 6 else 64)
    return planes


def _skip_scaling(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _skip_order(bits: _Bits) -> None:
    """The fields of the order in which pictures are shown."""
    kind = bits.golomb()
    if kind == 0:
        bits.golomb()
    elif kind == 1:
        bits.number(1)
        bits.signed()
        bits.signed()
        for _ in range(bits.golomb()):
            bits.signed()
