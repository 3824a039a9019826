"""Image files to `(H, W, 3)` BGR uint8, the same way in training and on the line.

Grey becomes three equal channels, 16 bit keeps the upper eight that are used, alpha is dropped,
EXIF orientation is applied. A file that decodes only in part is refused: OpenCV would fill the
rest with grey.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Fault, Image, Reason
from slsg_edge.errors import DatasetError
from slsg_edge.images.limit import LARGEST_VARIABLE, most_pixels
from slsg_edge.images.quiet import quiet_opencv
from slsg_edge.images.tiff import is_tiff, with_plain_colours
from slsg_edge.images.whole import check_whole, foreign_format, header_of

# What every OpenCV that is allowed decodes, under all the endings that people give it.
SUFFIXES = frozenset((
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".bmp", ".dib", ".tif", ".tiff", ".webp",
    ".pbm", ".pgm", ".ppm", ".pnm",
))  # fmt: skip

HEAT_SUFFIX = "_heat.jpg"  # of a picture with heat over it: for people, never for a detector

_NO_MEMORY = -4  # StsNoMem of OpenCV
_REPLACE = "Replace it or take it out of the folder."


class ImageError(DatasetError):
    """A file whose picture may not be inspected, and which kind of reason that is."""

    def __init__(self, what: str, *, fix: str, reason: Reason = "unreadable") -> None:
        super().__init__(what, fix=fix)
        self.reason: Reason = reason

    @property
    def fault(self) -> Fault:
        return Fault(self.reason, self.what)


def is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def read_image(path: Path, depth: int | None = None) -> Image:
    """The picture in `path`; ImageError says why there is none.

    depth: bits that the values in a file of 16 bit use; None is all of them. What is brighter
    becomes white.
    """
    return _picture(image_content(path), path, depth)


def image_from(content: bytes, name: str, depth: int | None = None) -> Image:
    """As `read_image`, of what a file held that is none here, as a member of an archive.

    name: what messages call it.
    """
    return _picture(_checked(content, Path(name)), Path(name), depth)


def _picture(content: bytes, path: Path, depth: int | None) -> Image:
    import cv2

    if depth is not None and _is_deep(content):
        shown = eight_bit(decode_as_stored(content, path), depth)
        return shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, axis=2)
    return np.asarray(_decoded(content, path, cv2.IMREAD_COLOR), dtype=np.uint8)


def eight_bit(stored: NDArray[Any], depth: int = 16) -> NDArray[np.uint8]:
    """Values of 16 bit, of which `depth` are used, as 8 bit; others stay as they are."""
    if stored.dtype != np.uint16:
        return stored
    most = (1 << depth) - 1
    return np.asarray(np.minimum(stored, np.uint16(most)) >> (depth - 8), dtype=np.uint8)


def peak_of(path: Path) -> int:
    """The largest value in a file of 16 bit; 0 for any other. DatasetError as for `read_image`.

    Most files of 8 bit are known by their first bytes, and no more of them is read.
    """
    if not _may_be_deep(path):
        return 0
    content = image_content(path)
    if not _is_deep(content):
        return 0
    stored = decode_as_stored(content, path)
    return int(stored.max()) if stored.dtype == np.uint16 else 0


def _may_be_deep(path: Path) -> bool:
    """Not so for a file that cannot be read: whoever wants its picture says why."""
    try:
        with path.open("rb") as file:
            start = file.read(32)
    except OSError:
        return False
    png = start.startswith(b"\x89PNG")
    return start[24:25] == b"\x10" if png else not start.startswith((b"\xff\xd8", b"BM", b"RIFF"))


def _is_deep(content: bytes) -> bool:
    header = header_of(content)
    return header is not None and header.bits > 8


def decode_as_stored(content: bytes, path: Path) -> NDArray[Any]:
    """(H, W) or (H, W, 3) with the depth that `content` of `path` has.

    Without alpha and with EXIF orientation applied, as `read_image` does.
    """
    import cv2

    return np.asarray(_decoded(content, path, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH))


def encode_image(image: NDArray[np.uint8], suffix: str = ".png") -> bytes:
    """The bytes of an image file, for `storage.write_atomically` and for pages."""
    import cv2

    done, buffer = cv2.imencode(suffix, image)
    if not done:
        raise ValueError(f"OpenCV cannot encode {image.shape} {image.dtype} as {suffix}")
    return buffer.tobytes()


def _decoded(content: bytes, path: Path, flags: int) -> Any:
    import cv2

    content = with_plain_colours(content) if is_tiff(content) else content
    try:
        with quiet_opencv():
            image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        if error.code == _NO_MEMORY:  # of this machine, and not of the file
            raise ImageError(
                f"There is not enough memory to decode {path}.", fix="Close other programs."
            ) from error
        image = None
    if image is None:
        raise ImageError(f"{path} is not an image that OpenCV can read.", fix=_REPLACE)
    return image


def image_content(path: Path) -> bytes:
    """The bytes of a file that holds one whole picture; ImageError when it does not."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageError(
            f"Cannot read {path}: {error.strerror}.",
            fix="Check that it exists and its permissions.",
        ) from error
    return _checked(content, path)


def _checked(content: bytes, path: Path) -> bytes:
    if not content:
        raise ImageError(f"{path} is empty (0 bytes).", fix=_REPLACE)
    _require_readable(content, path)
    damage = check_whole(content)
    if damage is not None:
        raise ImageError(f"{path} is {damage}.", fix=_REPLACE, reason="damaged_frame")
    return content


def _require_readable(content: bytes, path: Path) -> None:
    """Before anything is decoded: a picture of a gigapixel fits into a file of a megabyte."""
    header = header_of(content)
    if header is None:
        if check_whole(content) is None:
            raise ImageError(_no_image(content, path), fix=_REPLACE)
        return
    if header.pages > 1:
        raise ImageError(
            f"{path} holds {header.pages} pictures, and only the first would be inspected.",
            fix="Save each picture as a file of its own.",
            reason="several_pages",
        )
    if header.pixels > most_pixels():
        raise ImageError(
            f"{path} is {header.width}x{header.height}, {header.pixels / 1e6:.3g} million pixels; "
            f"at most {most_pixels() / 1e6:.3g} million are decoded.",
            fix=f"Give a smaller picture, or set {LARGEST_VARIABLE} to more pixels.",
            reason="too_large",
        )
    if header.unusual:
        raise ImageError(
            f"{path} holds {header.unusual}.",
            fix="Save it with whole numbers of 8 or 16 bit, the colours of a pixel side by side.",
        )


def _no_image(content: bytes, path: Path) -> str:
    name = foreign_format(content)
    if name is not None:
        return f"{path} is not an image that is read: inside it is {name}."
    return f"{path} is not an image: it begins like no format that is read."
