"""Whether the bytes of an image file are a whole picture, and what their header says.

Decoders are forgiving: what is missing becomes grey or is made up. A line must not be.
"""

from collections.abc import Callable

from slsg_edge.images import bitmap, jpeg, png, tiff, tiff_data, webp
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
    if content.startswith(jpeg.START):
        return jpeg.jpeg_header, jpeg.jpeg_damage
    if content.startswith(png.START):
        return png.png_header, png.png_damage
    if tiff.is_tiff(content):
        return tiff.tiff_header, tiff_data.tiff_damage
    if webp.is_webp(content):
        return webp.webp_header, webp.webp_damage
    if content.startswith(b"BM"):
        return bitmap.bmp_header, bitmap.bmp_damage
    return None


# First bytes, where they start, and whose they are. Some cameras and tools name such files .jpg.
_FOREIGN = (
    (0, b"GIF8", "GIF"),
    (4, b"ftypavi", "AVIF"),
    (4, b"ftyp", "HEIC, or a film"),
    (4, b"jP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
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
