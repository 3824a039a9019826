"""The memory of one batch of frames in flight, allocated once.

Knows nothing about the order of the work: that is `chain.Chain`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime.gpu.device import Device
from slsg_edge.runtime.gpu.driver import Address
from slsg_edge.runtime.gpu.network import Bindings
from slsg_edge.runtime.gpu.resources import Buffer, HostBuffer, Stream

LANE_STAGES = ("upload", "preprocess", "engine", "download")
_FLOAT = 4  # bytes
_ALIGNMENT = 256  # bytes: every picture starts where 16-byte accesses are aligned


@dataclass(frozen=True, slots=True)
class StagingBuffer:
    """Pinned bytes and their copy on the GPU.

    host: what the CPU writes.
    copy: what the GPU reads; None where it shares memory with the CPU.
    """

    host: HostBuffer
    copy: Buffer | None

    def upload(self, stream: Stream, size: int) -> Address:
        """Where the GPU finds the first `size` bytes."""
        if self.copy is None:
            return self.host.address or 0
        stream.upload(self.copy.address, self.host.array[:size])
        return self.copy.address

    def close(self) -> None:
        if self.copy is not None:
            self.copy.close()
        self.host.close()


@dataclass(frozen=True, slots=True)
class DeviceImage:
    """Where a BGR region (H, W, 3) lies on the GPU until the next one comes."""

    address: Address
    shape: tuple[int, ...]


class Lane:
    """The buffers and events of one batch.

    batch: the frames that are in it; 0 before the first.
    image: the first of them, None where they came otherwise than in BGR.
    marks: what bounds the stages: start, uploaded, prepared, inferred, done.
    """

    def __init__(self, device: Device, spec: Preprocessing, batch: int) -> None:
        pixels = spec.height * spec.width
        self._device = device
        self.frame_bytes = pixels * 3
        self.frames = device.buffer(batch * self.frame_bytes)
        self.maps = device.buffer(batch * pixels * _FLOAT)
        self.scores = device.buffer(batch * _FLOAT)
        self.host_scores = device.host((batch,), np.float32)
        self.host_maps = device.host((batch, spec.height, spec.width), np.float32)
        self.marks = tuple(device.event() for _ in (*LANE_STAGES, "done"))
        self.start, self.uploaded, self.prepared, self.inferred, self.done = self.marks
        self.batch = 0
        self.image: DeviceImage | None = None
        self._staging: StagingBuffer | None = None

    @property
    def bindings(self) -> Bindings:
        return Bindings(self.frames.address, self.maps.address, self.scores.address)

    def stage(self, pictures: Sequence[NDArray[np.uint8]]) -> tuple[StagingBuffer, list[int]]:
        """The pictures in pinned memory, and where each begins; the last number is the end."""
        ends = np.cumsum([_aligned(picture.size) for picture in pictures]).tolist()
        offsets = [0, *ends]
        staging = self.staging(offsets[-1])
        staged = staging.host.array
        for picture, offset in zip(pictures, offsets, strict=False):
            place = staged[offset : offset + picture.size]
            np.copyto(place.reshape(picture.shape), picture)
        return staging, offsets

    def staging(self, size: int) -> StagingBuffer:
        """Made anew only when larger pictures come than ever before."""
        if self._staging is None or len(self._staging.host.array) < size:
            if self._staging is not None:
                self._staging.close()
                self._staging = None
            host = self._device.host((size,), np.uint8)
            shared = host.address is not None
            self._staging = StagingBuffer(host, None if shared else self._device.buffer(size))
        return self._staging


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
