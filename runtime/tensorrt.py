"""A bundle's engine as a detector: the frame goes up, four bytes come back, maps only on demand.

Knows nothing about thresholds; a score that is no number is for `scoring.judge` to refuse.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import AnomalyMap, Answers, Image, Mask, Prediction
from slsg_edge.errors import CudaError, EngineError
from slsg_edge.preprocessing import Preprocessing, check_frame, cut
from slsg_edge.runtime.gpu.chain import Chain, ChainOptions
from slsg_edge.runtime.gpu.defect_kernels import DefectKernels
from slsg_edge.runtime.gpu.defects import Defect, defects_in, mask_of
from slsg_edge.runtime.gpu.device import Device
from slsg_edge.runtime.gpu.driver import Runtime
from slsg_edge.runtime.gpu.frame_kernels import FrameKernels
from slsg_edge.runtime.gpu.network import EngineNetwork
from slsg_edge.runtime.gpu.pixel_formats import Layout
from slsg_edge.runtime.gpu.resources import Stream
from slsg_edge.runtime.prepared import require_prepared

_LIVE = 0  # the lane of frames that come one at a time


class TensorRtDetector:
    """A `GraphDetector`; also batches, frames in flight, and scores without their maps.

    One thread only. The first failure of the GPU frees everything, and every later call says so.
    """

    def __init__(
        self,
        device: Device,
        runtime: Runtime,
        plan: bytes,
        preprocessing: Preprocessing,
        options: ChainOptions | None = None,
        label: str = "tensorrt",
        kernels: Callable[[Device], FrameKernels] | None = None,
        defects: Callable[[Device, Stream], DefectKernels] | None = None,
    ) -> None:
        """Takes `device` over: it is closed with the detector, also when this fails."""
        self._device, self._preprocessing, self._label = device, preprocessing, label
        self._options = options or ChainOptions()
        self._failure: str | None = None
        self._open_defects = defects
        self._defects: DefectKernels | None = None
        try:
            network = EngineNetwork(device, runtime, plan, preprocessing)
            loaded = kernels(device) if kernels else None
            self._chain = Chain(device, network, loaded, preprocessing, options or ChainOptions())
        except BaseException:
            device.close()
            raise

    @property
    def name(self) -> str:
        refused = self._chain.refusal
        return f"{self._label}, no CUDA graph: {refused}" if refused else self._label

    @property
    def largest_batch(self) -> int:
        return self._chain.batch

    @property
    def lanes(self) -> int:
        """How many frames may be in flight at once, for `pipeline.Pipeline`."""
        return len(self._chain.lanes)

    def keep_in_flight(self, frames: int) -> None:
        """At least so many, each in a lane of its own; allocates those that are new."""
        with self._guarded():
            self._chain.extend(frames)

    def detect(self, frame: Image) -> Prediction:
        """CameraError for anything but (H, W, 3) uint8; ConfigError when the region is outside."""
        score = self.score(frame)
        return Prediction(self.last_map(), score)

    def score(self, frame: Image) -> float:
        """As `detect`, but the map stays on the GPU; NaN when the score or the map is no number."""
        self.submit(frame, _LIVE)
        return self.finish(_LIVE)

    def score_raw(self, data: NDArray[np.uint8], layout: Layout) -> float:
        """As `score`, of the bytes that a camera gives: the GPU makes the colours.

        CameraError when they are not as many as `layout` has, ConfigError when the region is
        outside.
        """
        with self._guarded():
            self._chain.submit_raw(_LIVE, data, layout, self._preprocessing.roi)
        return self.finish(_LIVE)

    def defects(self, threshold: float) -> tuple[Mask, list[Defect]]:
        """Where the frame that was scored last is anomalous; its map stays on the GPU.

        The first call allocates.
        """
        if self._open_defects is None:
            mask = mask_of(self.last_map(), threshold)
            return mask, defects_in(mask)
        with self._guarded():
            kernels = self._defect_kernels(self._open_defects)
            return kernels.defects(self._chain.lanes[_LIVE].maps.address, threshold)

    def overlay(self, strength: float = 0.5) -> Image:
        """The region of the frame that was scored last under the heat of its map, as in reports.

        The first call allocates. EngineError where the GPU has no such frame.
        """
        lane = self._chain.lanes[_LIVE]
        if self._open_defects is None or lane.image is None:
            raise EngineError(
                "The GPU has no picture of that frame.", fix="Make it from `last_map` on the CPU."
            )
        with self._guarded():
            kernels = self._defect_kernels(self._open_defects)
            picture = lane.image
            return kernels.picture(picture.address, picture.shape, lane.maps.address, strength)

    def last_map(self) -> AnomalyMap:
        """Of the frame that was scored last."""
        return self.map_of(_LIVE)

    def detect_batch(self, frames: Sequence[Image]) -> list[Prediction]:
        """1 to `largest_batch` frames, of any sizes, as one; ConfigError for other counts."""
        regions = [self._region(frame) for frame in frames]
        with self._guarded():
            self._chain.submit(_LIVE, regions)
            scores, maps = self._chain.scores(_LIVE), self._chain.maps(_LIVE)
        return [Prediction(*pair) for pair in zip(maps, scores.tolist(), strict=True)]

    def run(self, prepared: NDArray[np.uint8]) -> Answers:
        """(N, H, W, 3) at model resolution to maps (N, H, W) and scores (N,).

        CameraError when the frames are of another shape, or none.
        """
        require_prepared(prepared, self._preprocessing)
        size = self.largest_batch
        parts = [
            self._run(prepared[start : start + size]) for start in range(0, len(prepared), size)
        ]
        maps, scores = zip(*parts, strict=True)
        return np.concatenate(maps), np.concatenate(scores)

    def submit(self, frame: Image, lane: int) -> None:
        """Returns while the GPU works; what was in that lane before is gone."""
        region = self._region(frame)
        with self._guarded():
            self._chain.submit(lane, [region])

    def finish(self, lane: int) -> float:
        """The score of the frame in that lane."""
        with self._guarded():
            return float(self._chain.scores(lane)[0])

    def map_of(self, lane: int) -> AnomalyMap:
        """Of the frame in that lane, once its score was taken."""
        with self._guarded():
            return np.asarray(self._chain.maps(lane)[0])

    def milliseconds(self) -> dict[str, float]:
        """The stages on the GPU of the frame that was scored last, before its map is asked for."""
        with self._guarded():
            return self._chain.milliseconds(_LIVE)

    def close(self) -> None:
        """Frees everything, from the thread that opened this one."""
        self._failure = self._failure or "it was closed"
        self._device.close()

    def __enter__(self) -> "TensorRtDetector":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _defect_kernels(
        self, open_kernels: Callable[[Device, Stream], DefectKernels]
    ) -> DefectKernels:
        if self._defects is None:
            self._defects = open_kernels(self._device, self._chain.stream)
        return self._defects

    def _region(self, frame: Image) -> Image:
        check_frame(frame)
        return cut(frame, self._preprocessing.roi)

    def _run(self, frames: NDArray[np.uint8]) -> Answers:
        with self._guarded():
            self._chain.submit_prepared(_LIVE, frames)
            scores = self._chain.scores(_LIVE)
            return self._chain.maps(_LIVE), scores

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """A context that failed once fails for ever, so what it holds is given back at once."""
        if self._failure is not None:
            raise CudaError(
                f"{self._label} is of no use any more: {self._failure}",
                fix="Start the program again.",
            )
        self._device.require_owner()  # the mistake of another thread must not close it
        try:
            yield
        except (CudaError, EngineError) as error:
            self._failure = error.what
            self._device.close()
            raise
