"""Our own kernels on a device: frames of any format to model resolution, the check of a result.

Knows nothing about how kernels are compiled: that is `compilation`.
"""

from collections.abc import Mapping

from slsg_edge.errors import ConfigError
from slsg_edge.preprocessing import Preprocessing, Roi, placement, require_inside
from slsg_edge.runtime.gpu.device import Device
from slsg_edge.runtime.gpu.driver import Address
from slsg_edge.runtime.gpu.pixel_formats import LONGEST_SIDE, ROW_BYTES, Layout, tight
from slsg_edge.runtime.gpu.resources import Stream

COLUMNS, _THREADS = 64, 256  # as in preprocess.cu
_PREPROCESS = "PP12i"  # struct Geometry of formats.cuh by value
_PREPROCESS_BLOCK = (_THREADS, 1, 1)
_CHECK = "PPi"
_CHECK_BLOCK = (256, 1, 1)
_CHECKED_AT_ONCE = 16  # values of a map by one thread: a map of 256x256 takes 16 blocks


class DeviceKernels:
    """`frame_kernels.FrameKernels`, and more formats than the chain asks for."""

    SOURCES = ("preprocess", "finite")

    def __init__(self, device: Device, spec: Preprocessing, images: Mapping[str, bytes]) -> None:
        """`images`: each of `SOURCES` as `compilation.kernel_images` gives it."""
        if max(spec.height, spec.width) > LONGEST_SIDE:
            raise ConfigError(
                f"A model of {spec.width}x{spec.height} pixels is too large for the GPU.",
                fix=f"Train one of at most {LONGEST_SIDE} pixels a side.",
            )
        self._spec = spec
        module, finite = (device.module(images[name]) for name in self.SOURCES)
        self._preprocess = {
            pixels: module.kernel(f"preprocess_{pixels}", _PREPROCESS) for pixels in ROW_BYTES
        }
        self._check = finite.kernel("check_finite", _CHECK)

    def preprocess(
        self, stream: Stream, source: Address, shape: tuple[int, ...], target: Address
    ) -> None:
        """A BGR region (H, W, 3) without padding; it was cut out of its frame before."""
        self.prepare(stream, source, tight("bgr", shape[1], shape[0]), target)

    def prepare(
        self,
        stream: Stream,
        source: Address,
        layout: Layout,
        target: Address,
        roi: Roi | None = None,
    ) -> None:
        """A frame of any format; ConfigError when the region does not lie inside it."""
        region = roi or Roi(0, 0, layout.width, layout.height)
        require_inside(region, layout.height, layout.width)
        top, left, height, width = placement(region.height, region.width, self._spec)
        stream.launch(
            self._preprocess[layout.pixels],
            (-(-self._spec.width // COLUMNS), self._spec.height, 1),
            _PREPROCESS_BLOCK,
            source,
            target,
            layout.width,
            layout.height,
            layout.pitch,
            region.x,
            region.y,
            region.width,
            region.height,
            self._spec.width,
            left,
            top,
            width,
            height,
        )

    def check(self, stream: Stream, maps: Address, scores: Address, batch: int) -> None:
        """A score becomes NaN when it or its map has a NaN or an infinity."""
        pixels = self._spec.height * self._spec.width
        blocks = -(-pixels // (_CHECK_BLOCK[0] * _CHECKED_AT_ONCE))
        stream.launch(self._check, (blocks, batch, 1), _CHECK_BLOCK, maps, scores, pixels)
