"""One batch of frames on its way: upload, preprocess, engine, check for NaN, scores down.

With one lane all is on one stream, for the least latency; with two, the upload of the next batch
overlaps with this one's engine. Maps stay on the GPU until somebody asks. Knows nothing about
thresholds.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Image
from slsg_edge.errors import CudaError, EngineError
from slsg_edge.preprocessing import (
    Preprocessing,
    Roi,
    check_frame,
    cut,
    prepare,
    require_inside,
)
from slsg_edge.runtime.gpu.device import GPU_DEADLINE, Device
from slsg_edge.runtime.gpu.driver import Address
from slsg_edge.runtime.gpu.frame_kernels import FrameKernels
from slsg_edge.runtime.gpu.lane import LANE_STAGES, DeviceImage, Lane
from slsg_edge.runtime.gpu.network import EngineNetwork, Inference
from slsg_edge.runtime.gpu.pixel_formats import Layout, require_bytes, to_bgr
from slsg_edge.runtime.gpu.resources import CudaGraph, Stream
from slsg_edge.runtime.prepared import require_count, require_prepared


@dataclass(frozen=True, slots=True)
class ChainOptions:
    """How much goes through a chain at once, and how the engine is launched.

    batch: the most frames that will come at once.
    exact: an engine that takes fewer is refused; without it as many as it takes will do.
    lanes: batches in flight.
    graph: launch the engine as a CUDA graph where that is possible.
    deadline: seconds that the GPU may take for one batch.
    """

    batch: int = 1
    exact: bool = True
    lanes: int = 1
    graph: bool = True
    deadline: float = GPU_DEADLINE


class Chain:
    """Everything between frames of the host and scores of the host, on one device.

    What does not fit into a lane is refused before anything is written, and the chain goes on:
    ConfigError for other counts of frames than 1 to `batch` or a region outside a frame,
    CameraError for frames of another shape or type.

    refusal: why the engine runs without a CUDA graph; None where it has one.
    batch: the most frames at once.
    """

    def __init__(
        self,
        device: Device,
        network: EngineNetwork,
        kernels: FrameKernels | None,
        spec: Preprocessing,
        options: ChainOptions,
    ) -> None:
        """Allocates and warms up. Without `kernels` the CPU prepares frames and checks maps.

        EngineError when the engine takes no batch that large.
        """
        self.batch = options.batch if options.exact else min(options.batch, network.largest)
        if not 1 <= self.batch <= network.largest:
            raise EngineError(
                f"The engine takes up to {network.largest} frames at once, not {self.batch}.",
                fix="Build it with a larger batch: slsg-edge build-engine --help",
            )
        self._device, self._network, self._kernels = device, network, kernels
        self._spec, self._deadline = dataclasses.replace(spec, roi=None), options.deadline
        self.refusal: str | None = None if options.graph else "switched off"
        self._copies = self._work = device.stream()
        self.lanes: tuple[Lane, ...] = ()
        self._ready: dict[tuple[int, int], Inference | CudaGraph] = {}
        self.extend(options.lanes)

    def extend(self, lanes: int) -> None:
        """So many from now on, if there are fewer; allocates and warms up those that are new."""
        if lanes > 1 and self._copies is self._work:
            self._copies = self._device.stream()
        for index in range(len(self.lanes), lanes):
            lane = Lane(self._device, self._spec, self.batch)
            self.lanes = (*self.lanes, lane)
            for batch in range(1, self.batch + 1):
                self._ready[index, batch] = self._warmed_up(lane, batch)

    @property
    def stream(self) -> Stream:
        """Where the engine runs, so what follows there finds its results."""
        return self._work

    def submit(self, number: int, pictures: Sequence[Image]) -> None:
        """Regions (H, W, 3), of any sizes, into a lane; returns while the GPU works."""
        require_count(len(pictures), self.batch)
        for picture in pictures:
            check_frame(picture)
        if self._kernels is None:
            prepared = [prepare(picture, self._spec) for picture in pictures]
            self.submit_prepared(number, np.stack(prepared))
            return
        lane = self._idle(number)
        source, offsets = self._upload(lane, pictures)
        for index, (picture, offset) in enumerate(zip(pictures, offsets, strict=False)):
            target = lane.frames.address + index * lane.frame_bytes
            self._kernels.preprocess(self._work, source + offset, picture.shape, target)
        lane.image = DeviceImage(source, pictures[0].shape)
        self._infer(number, len(pictures))

    def submit_raw(
        self, number: int, data: NDArray[np.uint8], layout: Layout, roi: Roi | None
    ) -> None:
        """One frame as a camera gives it into a lane; the GPU cuts it and makes its colours."""
        require_bytes(data, layout)
        require_inside(roi or Roi(0, 0, layout.width, layout.height), layout.height, layout.width)
        if self._kernels is None:
            self.submit(number, [cut(to_bgr(data, layout), roi)])
            return
        lane = self._idle(number)
        source, _ = self._upload(lane, [data])
        self._kernels.prepare(self._work, source, layout, lane.frames.address, roi)
        self._infer(number, 1)

    def submit_prepared(self, number: int, frames: NDArray[np.uint8]) -> None:
        """(N, H, W, 3) at model resolution into a lane."""
        require_prepared(frames, self._spec)
        require_count(len(frames), self.batch)
        lane = self._idle(number)
        staged = lane.staging(frames.size).host.array[: frames.size]
        np.copyto(staged.reshape(frames.shape), frames)
        self._work.record(lane.start)
        self._work.upload(lane.frames.address, staged)
        self._work.record(lane.uploaded)
        self._infer(number, len(frames))

    def scores(self, number: int) -> NDArray[np.float32]:
        """(N,) of the batch in a lane; NaN where the map or the score is no number."""
        lane = self.lanes[number]
        self._device.wait(lane.done, self._deadline)
        scores = np.array(lane.host_scores.array[: lane.batch])
        if self._kernels is None:
            scores[~np.isfinite(self.maps(number)).all((1, 2))] = np.nan
        return scores

    def maps(self, number: int) -> NDArray[np.float32]:
        """(N, H, W) of the batch in a lane, once its scores are there."""
        lane = self.lanes[number]
        host = lane.host_maps.array[: lane.batch]
        self._copies.download(host, lane.maps.address)
        self._copies.record(lane.done)
        self._device.wait(lane.done, self._deadline)
        return np.array(host)

    def milliseconds(self, number: int) -> dict[str, float]:
        """Of each stage of the batch in a lane, once its scores are there and before its maps."""
        marks = self.lanes[number].marks
        pairs = zip(LANE_STAGES, marks, marks[1:], strict=False)
        return {stage: end.since(start) for stage, start, end in pairs}

    def _idle(self, number: int) -> Lane:
        """Its buffers must not change under a batch whose scores nobody took."""
        lane = self.lanes[number]
        lane.image = None
        if lane.batch:
            self._device.wait(lane.done, self._deadline)
        return lane

    def _upload(
        self, lane: Lane, pictures: Sequence[NDArray[np.uint8]]
    ) -> tuple[Address, list[int]]:
        """Where the GPU finds them, and at which offsets."""
        staging, offsets = lane.stage(pictures)
        self._copies.record(lane.start)
        source = staging.upload(self._copies, offsets[-1])
        self._copies.record(lane.uploaded)
        self._work.wait(lane.uploaded)
        return source, offsets

    def _infer(self, number: int, batch: int) -> None:
        lane, ready = self.lanes[number], self._ready[number, batch]
        lane.batch = batch
        self._work.record(lane.prepared)
        if isinstance(ready, CudaGraph):
            self._work.run(ready)
        else:
            self._run(ready, lane, batch)
        self._work.record(lane.inferred)
        self._work.download(lane.host_scores.array[:batch], lane.scores.address)
        self._work.record(lane.done)

    def _run(self, inference: Inference, lane: Lane, batch: int) -> None:
        inference.enqueue(self._work)
        if self._kernels is not None:
            self._kernels.check(self._work, lane.maps.address, lane.scores.address, batch)

    def _warmed_up(self, lane: Lane, batch: int) -> Inference | CudaGraph:
        """TensorRT allocates in the first run of a shape, which a graph must not contain."""
        inference = self._network.inference(lane.bindings, batch)
        self._work.fill(lane.frames.address, 0, batch * lane.frame_bytes)
        self._run_once(inference, lane, batch)
        if self.refusal is None:
            try:
                return self._work.capture(lambda: self._run(inference, lane, batch))
            except (CudaError, EngineError) as error:
                self.refusal = error.what
                self._run_once(inference, lane, batch)
        return inference

    def _run_once(self, inference: Inference, lane: Lane, batch: int) -> None:
        self._run(inference, lane, batch)
        self._work.record(lane.done)
        self._device.wait(lane.done, self._deadline)
