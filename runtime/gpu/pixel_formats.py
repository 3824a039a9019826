"""How frames lie in memory as cameras deliver them, and their pixels in BGR.

`to_bgr` is the definition that the kernels and OpenCV's cvtColor are held against. Knows nothing
about regions and sizes of a model: that is `preprocessing`.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Image
from slsg_edge.errors import CameraError

PixelFormat: TypeAlias = Literal["bgr", "grey", "nv12", "yuyv"]
ROW_BYTES: dict[PixelFormat, int] = {"bgr": 3, "grey": 1, "nv12": 1, "yuyv": 2}
"""Bytes of a pixel in a row; `nv12` has a second plane of half as many rows."""
LONGEST_SIDE = 32767
"""Pixels of a side: the kernels count in 32 bits."""

# ITU-R BT.601, limited range (Y 16 to 235), 20-bit fixed point: 1.164 (Y - 16) + 1.596 V for red,
# - 0.391 U - 0.813 V for green, + 2.018 U for blue, U and V around 128.
_SHIFT = 20
_LUMA, _BLUE_U, _GREEN_U, _GREEN_V, _RED_V = 1220542, 2116026, -409993, -852492, 1673527

_FIX = "Set the camera to another format or size."


@dataclass(frozen=True, slots=True)
class Layout:
    """How a frame lies in memory.

    CameraError for one that cannot be, as an odd size where two pixels share their colour.

    width, height: in pixels.
    pitch: bytes from one row to the next.
    """

    pixels: PixelFormat
    width: int
    height: int
    pitch: int

    def __post_init__(self) -> None:
        odd = (self.pixels in ("nv12", "yuyv") and self.width % 2) or (
            self.pixels == "nv12" and self.height % 2
        )
        if (
            odd
            or not 1 <= min(self.width, self.height) <= max(self.width, self.height) <= LONGEST_SIDE
        ):
            raise CameraError(f"There is no frame of {self}.", fix=_FIX)
        if self.pitch < self.row_bytes:
            raise CameraError(
                f"A row of {self} has {self.row_bytes} bytes, more than {self.pitch}.", fix=_FIX
            )

    def __str__(self) -> str:
        return f"{self.width}x{self.height} {self.pixels}"

    @property
    def row_bytes(self) -> int:
        return self.width * ROW_BYTES[self.pixels]

    @property
    def rows(self) -> int:
        """Of all planes."""
        return self.height * 3 // 2 if self.pixels == "nv12" else self.height

    @property
    def size(self) -> int:
        """Bytes from the first to the last; behind the last row there need be no padding."""
        return (self.rows - 1) * self.pitch + self.row_bytes


def tight(pixels: PixelFormat, width: int, height: int) -> Layout:
    """Without padding."""
    return Layout(pixels, width, height, width * ROW_BYTES[pixels])


def require_bytes(data: NDArray[np.uint8], layout: Layout) -> None:
    """CameraError when `data` cannot be a frame of that layout."""
    if data.dtype != np.uint8 or data.shape != (layout.size,):
        raise CameraError(
            f"A frame of {layout} has {layout.size} bytes, not {data.size} {data.dtype}.",
            fix="Take the camera's own width, height and pitch.",
        )


def to_bgr(data: NDArray[np.uint8], layout: Layout) -> Image:
    """The bytes of a frame, as many as `layout.size`, as (H, W, 3)."""
    require_bytes(data, layout)
    strides = (layout.pitch, 1)
    rows = np.lib.stride_tricks.as_strided(data, (layout.rows, layout.row_bytes), strides)
    if layout.pixels == "bgr":
        return np.array(rows.reshape(layout.height, layout.width, 3))
    if layout.pixels == "grey":
        return np.repeat(rows[..., None], 3, axis=2)
    if layout.pixels == "yuyv":
        return _from_yuv(rows[:, ::2], _twice(rows[:, 1::4]), _twice(rows[:, 3::4]))
    chroma = np.repeat(rows[layout.height :], 2, axis=0)
    return _from_yuv(rows[: layout.height], _twice(chroma[:, ::2]), _twice(chroma[:, 1::2]))


def _twice(halved: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The colour of two neighbours."""
    return np.repeat(halved, 2, axis=1)


def _from_yuv(luma: NDArray[np.uint8], u: NDArray[np.uint8], v: NDArray[np.uint8]) -> Image:
    """Three (H, W) planes."""
    grey = np.maximum(luma.astype(np.int32) - 16, 0) * _LUMA + (1 << (_SHIFT - 1))
    blue_yellow, red_green = u.astype(np.int32) - 128, v.astype(np.int32) - 128
    blue = grey + _BLUE_U * blue_yellow
    green = grey + _GREEN_U * blue_yellow + _GREEN_V * red_green
    red = grey + _RED_V * red_green
    levels = np.stack([blue, green, red], axis=-1) >> _SHIFT
    return np.asarray(np.clip(levels, 0, 255), dtype=np.uint8)
