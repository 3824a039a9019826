"""What the first bytes of an image file say of its picture, whatever the format."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Header:
    """Width and height in pixels, as they are stored: before an orientation in EXIF is applied.

    pages: pictures in the file, as the pages of a TIFF or the frames of an animation.
    bits: of one sample. unusual: what the samples are where they would be read wrong, else empty.
    """

    name: str
    width: int
    height: int
    pages: int = 1
    bits: int = 8
    unusual: str = ""

    @property
    def pixels(self) -> int:
        return self.width * self.height


TRUNCATED = "truncated: its end is missing"


def damaged(how: str) -> str:
    """What follows `is` in a sentence about a file that is not whole."""
    return f"damaged: {how}"
