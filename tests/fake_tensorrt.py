"""TensorRT in Python over the fake GPU, our kernels as NumPy has them, and detectors on both."""

import dataclasses
import struct
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from fake_gpu import FakeGpu, Thing

from slsg_edge.preprocessing import Preprocessing, prepare
from slsg_edge.runtime.gpu.chain import ChainOptions
from slsg_edge.runtime.gpu.device import Device
from slsg_edge.runtime.gpu.driver import Grid, Tensor
from slsg_edge.runtime.gpu.frame_kernels import FrameKernels
from slsg_edge.runtime.tensorrt import TensorRtDetector

PLAN = bytes(range(256)) * 40  # what the fake TensorRT takes for an engine
SIZE = 32
SPEC = Preprocessing(SIZE, SIZE)
ONE = (1, 1, 1)


class FakeTensorRt:
    """`driver.Runtime` whose only engine, `PLAN`, is the toy model of the other tests.

    Map: mean of the channels / 255. Score: its largest pixel.
    """

    name = "fake TensorRT 10.3"

    def __init__(self, gpu: FakeGpu, size: int = 32, batch: int = 1) -> None:
        self.gpu, self.size = gpu, size
        self.lines: list[str] = []
        self.enqueued: list[int] = []
        self.refuses_capture = False
        self.poison = np.float32(-1)  # a grey level whose map is NaN
        dynamic = -1 if batch > 1 else 1
        frame, largest = (size, size, 3), (batch, size, size, 3)
        self.tensors = (
            Tensor("frame", True, "uint8", (dynamic, *frame), (1, *frame), largest),
            Tensor("anomaly_map", False, "float32", (dynamic, size, size)),
            Tensor("image_score", False, "float32", (dynamic,)),
        )

    def program(self, plan: bytes) -> "FakeProgram | None":
        if plan != PLAN:
            self.lines.append("Serialization assertion failed: plan is damaged")
            return None
        return FakeProgram(self.gpu, "engine", runtime=self)

    def log(self) -> tuple[str, ...]:
        lines, self.lines = tuple(self.lines), []
        return lines


@dataclass(eq=False)
class FakeProgram(Thing):
    runtime: FakeTensorRt = field(kw_only=True)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return self.runtime.tensors

    def context(self) -> "FakeContext":
        return FakeContext(self.gpu, "context", runtime=self.runtime)


@dataclass(eq=False)
class FakeContext(Thing):
    runtime: FakeTensorRt = field(kw_only=True)
    shape: tuple[int, ...] = ()
    addresses: dict[str, int] = field(default_factory=dict)

    def set_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self.shape = shape
        return shape[0] <= self.runtime.tensors[0].largest[0]

    def bind(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return True

    def enqueue(self, number: int) -> bool:
        queue = self.gpu.queue(number)
        if queue.captured is not None and self.runtime.refuses_capture:
            self.runtime.lines.append("operation not permitted when stream is capturing")
            return False
        self.runtime.enqueued.append(self.shape[0])
        self.gpu._add(queue, "engine", self._infer)
        return True

    def _infer(self) -> None:
        frames = self.gpu.at(self.addresses["frame"], int(np.prod(self.shape)))
        maps = frames.reshape(self.shape).mean(-1, dtype=np.float32) / np.float32(255)
        maps[maps == self.runtime.poison] = np.nan
        self.gpu._write(self.addresses["anomaly_map"], maps)
        self.gpu._write(self.addresses["image_score"], np.nanmax(maps, (1, 2), initial=0))


class FakeKernels:
    """`FrameKernels` but for raw frames; NumPy's work, launched through the device."""

    def __init__(self, device: Device, spec: Preprocessing) -> None:
        module = device.module(b"kernels")
        self._spec = dataclasses.replace(spec, roi=None)
        self._preprocess = module.kernel("preprocess", "PPii")
        self._check = module.kernel("check", "PPii")
        assert isinstance(device.driver, FakeGpu)
        device.driver.kernels |= {"preprocess": self._prepare, "check": self._mark}

    def preprocess(self, stream, source, shape, target) -> None:
        stream.launch(self._preprocess, ONE, ONE, source, target, *shape[:2])

    def check(self, stream, maps, scores, batch) -> None:
        pixels = self._spec.height * self._spec.width
        stream.launch(self._check, ONE, ONE, maps, scores, pixels, batch)

    def _prepare(self, gpu: FakeGpu, grid: Grid, block: Grid, arguments: bytes) -> None:
        source, target, height, width = struct.unpack("PPii", arguments)
        picture = gpu.at(source, height * width * 3).reshape(height, width, 3)
        gpu._write(target, prepare(picture, self._spec))

    def _mark(self, gpu: FakeGpu, grid: Grid, block: Grid, arguments: bytes) -> None:
        maps, scores, pixels, batch = struct.unpack("PPii", arguments)
        found = gpu.at(maps, 4 * pixels * batch).view(np.float32).reshape(batch, pixels)
        gpu.at(scores, 4 * batch).view(np.float32)[~np.isfinite(found).all(1)] = np.nan


class Machine:
    """A fake GPU and TensorRT, and detectors on it."""

    def __init__(self, batch: int = 1, integrated: bool = False) -> None:
        self.gpu = FakeGpu(integrated=integrated)
        self.trt = FakeTensorRt(self.gpu, SIZE, batch)

    def detector(self, spec=SPEC, plan=PLAN, kernels=True, **options) -> TensorRtDetector:
        return TensorRtDetector(
            Device(self.gpu),
            self.trt,
            plan,
            spec,
            ChainOptions(**options),
            "fake fp16",
            (lambda device: cast(FrameKernels, FakeKernels(device, spec))) if kernels else None,
        )


def picture(level: int, height: int = 40, width: int = 56) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def random_picture(seed: int, height: int = 40, width: int = 56) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def expected_map(frame: np.ndarray, spec: Preprocessing = SPEC) -> np.ndarray:
    return prepare(frame, spec).mean(-1, dtype=np.float32) / np.float32(255)
