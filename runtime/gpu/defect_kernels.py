"""Pictures of a result, made on the device and only when somebody asks for them.

Mask, defects and overlay come from the map that an engine left there. Knows nothing about engines.
"""

from collections.abc import Mapping

import cv2
import numpy as np

from slsg_edge.contracts import Image, Mask
from slsg_edge.images.drawing import FULL_COVER_HEAT
from slsg_edge.preprocessing import Preprocessing, Roi, placement, require_inside
from slsg_edge.runtime.gpu.defects import Defect, largest_first
from slsg_edge.runtime.gpu.device import Device
from slsg_edge.runtime.gpu.driver import Address
from slsg_edge.runtime.gpu.resources import Buffer, HostBuffer, Stream

_INT = 4  # bytes
_PART = 5  # whole numbers: area, left, top, right, bottom
_PASSES = {"begin": "PPPPPfii", "join": "Pii", "measure": "PPii", "collect": "PPPPii"}
_BLOCK = (256, 1, 1)
_OVERLAY = "PPPP11iff"  # struct Scene of overlay.cu by value
_LEVELS = 256


class DefectKernels:
    """For maps of one size, on one stream; only `picture` allocates after this."""

    SOURCES = ("mask", "overlay")

    def __init__(
        self, device: Device, stream: Stream, spec: Preprocessing, images: Mapping[str, bytes]
    ) -> None:
        mask, overlay = (device.module(images[name]) for name in self.SOURCES)
        self._passes = {name: mask.kernel(f"mask_{name}", _PASSES[name]) for name in _PASSES}
        self._overlay = overlay.kernel("overlay", _OVERLAY)
        self._device, self._stream, self._spec = device, stream, spec
        self._done = device.event()
        pixels, most = spec.height * spec.width, -(-spec.height // 2) * -(-spec.width // 2)
        self._mask, self._parents = device.buffer(pixels), device.buffer(pixels * _INT)
        self._parts = device.buffer(pixels * _PART * _INT)
        self._parts_found, self._count = device.buffer(most * _PART * _INT), device.buffer(_INT)
        self._host_mask = device.host((spec.height, spec.width), np.uint8)
        self._host_parts = device.host((most, _PART), np.int32)
        self._host_count = device.host((1,), np.int32)
        self._colours = device.buffer(3 * _LEVELS)
        self._pictures: tuple[Buffer, HostBuffer] | None = None
        self._upload_colours()

    def defects(self, map_address: Address, threshold: float) -> tuple[Mask, list[Defect]]:
        """What `defects.mask_of` and `defects_in` say of a map on the device."""
        size = (self._spec.width, self._spec.height)
        mask, parents, parts = self._mask.address, self._parents.address, self._parts.address
        count = self._count.address
        self._pass("begin", map_address, mask, parents, parts, count, threshold, *size)
        self._pass("join", parents, *size)
        self._pass("measure", parents, parts, *size)
        self._pass("collect", parents, parts, self._parts_found.address, count, *size)
        self._stream.download(self._host_count.array, count)
        self._stream.download(self._host_mask.array, mask)
        self._finish()
        parts_found = self._host_parts.array[: int(self._host_count.array[0])]
        if len(parts_found):
            self._stream.download(parts_found, self._parts_found.address)
            self._finish()
        defects = largest_first(map(_defect, parts_found.tolist()))
        return self._host_mask.array.astype(np.bool_), defects

    def picture(
        self, frame: Address, shape: tuple[int, ...], map_address: Address, strength: float
    ) -> Image:
        """`overlay` on the host; allocates only for a frame that is larger than any before."""
        size = int(np.prod(shape))
        if self._pictures is None or self._pictures[0].size < size:
            for old in self._pictures or ():
                old.close()
            self._pictures = self._device.buffer(size), self._device.host((size,), np.uint8)
        target, host = self._pictures
        self.overlay(frame, shape, map_address, target.address, strength)
        self._stream.download(host.array[:size], target.address)
        self._finish()
        return np.array(host.array[:size].reshape(shape))

    def overlay(
        self,
        frame: Address,
        shape: tuple[int, ...],
        map_address: Address,
        target: Address,
        strength: float = 0.5,
    ) -> None:
        """`pictures.heat_overlay` of a BGR frame (H, W, 3) without padding, into as many bytes."""
        height, width = shape[:2]
        roi = self._spec.roi or Roi(0, 0, width, height)
        require_inside(roi, height, width)
        top, left, *inner = placement(roi.height, roi.width, self._spec)
        scene = (width, height, roi.x, roi.y, roi.width, roi.height, self._spec.width, left, top)
        addresses = (frame, map_address, self._colours.address, target)
        grid = (-(-width // _BLOCK[0]), height, 1)
        numbers = (*scene, inner[1], inner[0], strength, FULL_COVER_HEAT)
        self._stream.launch(self._overlay, grid, _BLOCK, *addresses, *numbers)

    def _pass(self, name: str, *arguments: float) -> None:
        blocks = -(-self._spec.height * self._spec.width // _BLOCK[0])
        self._stream.launch(self._passes[name], (blocks, 1, 1), _BLOCK, *arguments)

    def _finish(self) -> None:
        self._stream.record(self._done)
        self._device.wait(self._done)

    def _upload_colours(self) -> None:
        levels = np.arange(_LEVELS, dtype=np.uint8)[:, None]
        staged = self._device.host((_LEVELS, 3), np.uint8)
        np.copyto(staged.array, cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[:, 0])
        self._stream.upload(self._colours.address, staged.array)
        self._finish()
        staged.close()


def _defect(part: list[int]) -> Defect:
    area, left, top, right, bottom = part
    return Defect(area, Roi(left, top, right - left + 1, bottom - top + 1))
