"""Whether the bytes of an image file are a whole picture, and what their header says.

Decoders are forgiving: what is missing becomes grey or is made up. A line must not be.
"""

from collections.abc import Callable

from slsg_edge.images import bitmap, jpeg, jpeg2000, netpbm, png, tiff, tiff_data, webp
from slsg_edge.images.header import Header

_Damage = Callable[[bytes], str | None]
_Reader = Callable[[bytes], Header | None]


def header_of(content: bytes) -> Header | None:
    """What the header says; None where no header of a known format is found."""
    found = _format(content)
    return found[0](content) if found else None


def check_whole(content: bytes) -> str | None:
    """What follows `is` in a sentence about a picture that is not whole; None when it is whole.

    None for a format that is not known: then there is only the decoder to tell. A JPEG or a PNG
    with a megapixel costs less than 10 ms.
    """
    found = _format(content)
    return found[1](content) if found else None


def _format(content: bytes) -> tuple[_Reader, _Damage] | None:
    known = ((reader, damage) for found, reader, damage in _FORMATS if found(content))
    return next(known, None)


_FORMATS: tuple[tuple[Callable[[bytes], bool], _Reader, _Damage], ...] = (
    (lambda content: content.startswith(jpeg.START), jpeg.jpeg_header, jpeg.jpeg_damage),
    (lambda content: content.startswith(png.START), png.png_header, png.png_damage),
    (tiff.is_tiff, tiff.tiff_header, tiff_data.tiff_damage),
    (webp.is_webp, webp.webp_header, webp.webp_damage),
    (lambda content: content.startswith(b"BM"), bitmap.bmp_header, bitmap.bmp_damage),
    (netpbm.is_netpbm, netpbm.netpbm_header, netpbm.netpbm_damage),
    (jpeg2000.is_jpeg2000, jpeg2000.jpeg2000_header, jpeg2000.jpeg2000_damage),
)


# First bytes, where they start, and whose they are. Some cameras and tools name such files .jpg.
_FOREIGN = (
    (0, b"GIF8", "GIF"),
    (4, b"ftypavi", "AVIF"),
    (4, b"ftyp", "HEIC, or a film"),
    (0, b"\xff\x0a", "JPEG XL"),
    (4, b"JXL ", "JPEG XL"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR"),
    (0, b"%PDF", "PDF"),
)


def foreign_format(content: bytes) -> str | None:
    """The name of a format that is known, and that is not read."""
    found = (name for at, start, name in _FOREIGN if content[at : at + len(start)] == start)
    return next(found, None)
