"""TIFF and BigTIFF: the pages of a file, and where the pieces of each picture lie."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from slsg_edge.images.header import Header

_ORDERS = {b"II": "<", b"MM": ">"}
_SIZES = {
    1: "B", 2: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i",
    13: "I", 16: "Q", 17: "q", 18: "Q",
}  # fmt: skip
_MOST_PAGES = 100_000  # a chain that is longer goes round in a circle
_KIND, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _COLOURS = 254, 256, 257, 258, 259, 262
_STRIPS, _SAMPLES, _ROWS, _STRIP_BYTES, _PLANAR = 273, 277, 278, 279, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 322, 323, 324, 325
_FORMAT, _JPEG_TABLES, _FILL_ORDER = 339, 347, 266
_REDUCED, _MASK = 1, 4  # a thumbnail, or which pixels count: not a page of its own
_FORMATS = {
    2: "signed integers",
    3: "floating point numbers",
    5: "complex integers",
    6: "complex numbers",
}
_ASKED_FOR = frozenset({
    _KIND, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _COLOURS, _STRIPS, _SAMPLES, _ROWS, _STRIP_BYTES,
    _PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _FORMAT, _JPEG_TABLES, _FILL_ORDER,
})  # fmt: skip
_SEPARATE = 2
_ALPHA, _KEEPS, _DARKENS = 338, 1, 2
_BITS_READ = (1, 2, 4, 8, 16)  # OpenCV scrambles samples of 12 bit that are packed
_YCBCR = 6

Fields = Mapping[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Piece:
    """A strip or a tile: where it lies in the file, and how many bytes it holds unpacked.

    size: None where the file does not say. expected: None where it cannot be told.
    """

    start: int
    size: int | None
    expected: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """One picture of a TIFF."""

    fields: Fields

    def first(self, tag: int, default: int) -> int:
        return (*self.fields.get(tag, ()), default)[0]

    @property
    def compression(self) -> int:
        return self.first(_COMPRESSION, 1)

    @property
    def reversed_bits(self) -> bool:
        return self.first(_FILL_ORDER, 1) != 1

    @property
    def jpeg_tables(self) -> bytes:
        return bytes(one & 0xFF for one in self.fields.get(_JPEG_TABLES, ()))

    @property
    def thumbnail(self) -> bool:
        return bool(self.first(_KIND, 0) & (_REDUCED | _MASK))

    def pieces(self) -> Iterator[Piece]:
        tiled = _TILES in self.fields
        starts = self.fields.get(_TILES if tiled else _STRIPS, ())
        sizes: Sequence[int | None] = self.fields.get(_TILE_BYTES if tiled else _STRIP_BYTES, ())
        if len(sizes) != len(starts):
            sizes = [None] * len(starts)
        for index, (start, size) in enumerate(zip(starts, sizes, strict=True)):
            yield Piece(start, size, self._tile() if tiled else self._strip(index))

    def _row(self, width: int) -> int | None:
        if self.first(_COLOURS, 0) == _YCBCR:
            return None  # its colours may have fewer pixels than its brightness
        samples = 1 if self.first(_PLANAR, 1) == _SEPARATE else self.first(_SAMPLES, 1)
        return (width * samples * self.first(_BITS, 1) + 7) // 8

    def _tile(self) -> int | None:
        row = self._row(self.first(_TILE_WIDTH, 0))
        return None if row is None else row * self.first(_TILE_HEIGHT, 0)

    def _strip(self, index: int) -> int | None:
        row, height = self._row(self.first(_WIDTH, 0)), self.first(_HEIGHT, 0)
        rows = min(self.first(_ROWS, height), height)
        if row is None or not rows:
            return None
        first = index % -(-height // rows) * rows
        return row * min(rows, height - first)


def is_tiff(content: bytes) -> bool:
    return content[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def tiff_header(content: bytes) -> Header | None:
    """None where no page is found."""
    pages = pages_of(content)
    if not pages:
        return None
    first = pages[0]
    return Header(
        "TIFF",
        first.first(_WIDTH, 0),
        first.first(_HEIGHT, 0),
        max(1, sum(not page.thumbnail for page in pages)),
        first.first(_BITS, 1),
        _unusual(first),
    )


def _unusual(page: Page) -> str:
    bits, kind = page.first(_BITS, 1), page.first(_FORMAT, 1)
    if kind in _FORMATS:
        return f"{bits}-bit {_FORMATS[kind]}"
    if bits not in _BITS_READ:
        return f"samples of {bits} bit"
    apart = page.first(_PLANAR, 1) == _SEPARATE and page.first(_SAMPLES, 1) > 1
    return "16-bit colours in planes of their own" if bits == 16 and apart else ""


def pages_of(content: bytes) -> list[Page]:
    """Every page that is found; fewer where the file is cut."""
    order = _ORDERS[content[:2]]
    big = content[2:4] in (b"+\0", b"\0+")
    pages: list[Page] = []
    seen: set[int] = set()
    at = _number(content, order + ("Q" if big else "I"), 8 if big else 4)
    left = 2 * len(content)  # of a file that is in order no byte belongs to two pages
    while at and at not in seen and len(pages) < _MOST_PAGES:
        seen.add(at)
        found = _page(content, at, order, big)
        if found is None:
            break
        page, at, used = found
        left -= used
        if left < 0:
            break
        pages.append(page)
    return pages


def with_plain_colours(content: bytes) -> bytes:
    """As it is, or with its alpha called the other kind: libtiff darkens colours by this one."""
    order = _ORDERS[content[:2]]
    big = content[2:4] in (b"+\0", b"\0+")
    for at in _entries(content, order, big):
        tag, kind = struct.unpack_from(order + "HH", content, at)
        place = at + (12 if big else 8)
        if (tag, kind) == (_ALPHA, 3) and _number(content, order + "H", place) == _DARKENS:
            return content[:place] + struct.pack(order + "H", _KEEPS) + content[place + 2 :]
    return content


def _entries(content: bytes, order: str, big: bool) -> range:
    """Where the fields of the first page start."""
    count_format, entry = ("Q", 20) if big else ("H", 12)
    first = _number(content, order + ("Q" if big else "I"), 8 if big else 4)
    count = _number(content, order + count_format, first)
    start = first + struct.calcsize(order + count_format)
    return range(start, min(start + count * entry, len(content) - entry + 1), entry)


def _page(content: bytes, at: int, order: str, big: bool) -> tuple[Page, int, int] | None:
    """A page, where the next one is, and how many bytes it takes; None where it is cut.

    Of a field that is given twice the first counts, as for libtiff.
    """
    count_format, entry, pointer = ("Q", 20, "Q") if big else ("H", 12, "I")
    first = at + struct.calcsize(order + count_format)
    count = _number(content, order + count_format, at)
    end = first + count * entry
    if end + struct.calcsize(pointer) > len(content):
        return None
    fields: dict[int, tuple[int, ...]] = {}
    for place in range(first, end, entry):
        tag = _number(content, order + "H", place)
        if tag in _ASKED_FOR and tag not in fields:
            field = _field(content, place, order, pointer)
            fields |= {tag: field} if field is not None else {}
    used = end - at + 8 * sum(map(len, fields.values()))
    return Page(fields), _number(content, order + pointer, end), used


def _field(content: bytes, at: int, order: str, pointer: str) -> tuple[int, ...] | None:
    kind = _number(content, order + "H", at + 2)
    count = _number(content, order + pointer, at + 4)
    if kind not in _SIZES or count > len(content):
        return None
    layout = f"{order}{count}{_SIZES[kind]}"
    place = at + 4 + struct.calcsize(pointer)
    if struct.calcsize(layout) > struct.calcsize(pointer):
        place = _number(content, order + pointer, place)
    if place + struct.calcsize(layout) > len(content):
        return None
    return struct.unpack_from(layout, content, place)


def _number(content: bytes, layout: str, at: int) -> int:
    """0 behind the end."""
    if at + struct.calcsize(layout) > len(content):
        return 0
    return int(struct.unpack_from(layout, content, at)[0])
