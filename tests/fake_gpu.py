"""A GPU with TensorRT in Python: memory, streams that lag behind, graphs, and things that fail.

Work is done only while somebody waits, one step of every stream at a time, and reads the host's
memory at that moment: a buffer that is reused too early gives wrong numbers here as it would there.
"""

import bisect
import dataclasses
import struct
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slsg_edge.nvidia import Gpu
from slsg_edge.preprocessing import Preprocessing, prepare
from slsg_edge.runtime.device import Device
from slsg_edge.runtime.driver import Grid, Tensor

ORIN = Gpu("Orin", "8.7", "12.6", "540.4.0", "36.4.0")
PLAN = bytes(range(256)) * 40  # what the fake TensorRT takes for an engine
START = 1 << 20  # of the addresses
ONE = (1, 1, 1)

Kernel = Callable[["FakeGpu", Grid, Grid, bytes], None]


class Refused(Exception):
    """What this driver raises."""


@dataclass(eq=False)
class Thing:
    """Anything that is freed once; `gpu.freed` keeps the order."""

    gpu: "FakeGpu"
    kind: str
    freed: bool = False

    def free(self) -> None:
        self.gpu.ask("free")
        assert not self.freed, f"{self.kind} is freed twice"
        self.freed = True
        self.gpu.freed.append(self.kind)


@dataclass(eq=False)
class FakeMemory(Thing):
    address: int = 0
    array: NDArray[Any] = field(default_factory=lambda: np.empty(0, np.uint8))


@dataclass(eq=False)
class FakePinned(Thing):
    address: int | None = None
    array: NDArray[Any] = field(default_factory=lambda: np.empty(0, np.uint8))


@dataclass(eq=False)
class FakeMark(Thing):
    reached: bool = False
    at: int = 0


@dataclass(eq=False)
class FakeGraph(Thing):
    steps: list["Step"] = field(default_factory=list)


@dataclass(eq=False)
class FakeCode(Thing):
    def function(self, name: str) -> str:
        return name


@dataclass
class Step:
    """`waits_for`: not before that mark was reached."""

    name: str
    work: Callable[[], None]
    waits_for: FakeMark | None = None


@dataclass(eq=False)
class FakeQueue(Thing):
    number: int = 0
    steps: deque[Step] = field(default_factory=deque)
    captured: list[Step] | None = None

    def add(self, step: Step) -> None:
        (self.steps if self.captured is None else self.captured).append(step)


class FakeGpu:
    """`driver.Driver`; `done` is what was executed, in order, as `stream:step`."""

    failures: tuple[type[Exception], ...] = (Refused,)
    gpu = ORIN

    def __init__(self, integrated: bool = False, kernels: dict[str, Kernel] | None = None) -> None:
        self.integrated = integrated
        self.kernels = kernels or {}
        self.made: Counter[str] = Counter()
        self.freed: list[str] = []
        self.done: list[str] = []
        self.asked: Counter[str] = Counter()
        self.fails: dict[str, int] = {}
        self.lost = self.stuck = self.closed = False
        self._queues: list[FakeQueue] = []
        self._memory: dict[int, NDArray[np.uint8]] = {}
        self._next = START
        self._clock = 0

    def ask(self, call: str) -> None:
        """Refuses when the GPU is lost, or from the N-th call on where `fails` says so."""
        self.asked[call] += 1
        if self.lost or self.asked[call] >= self.fails.get(call, 1 << 60):
            raise Refused(f"{call} gave CUDA_ERROR_UNKNOWN")

    def at(self, address: int, size: int) -> NDArray[np.uint8]:
        """`size` bytes; an address outside any allocation is an error of the caller."""
        starts = sorted(self._memory)
        start = starts[bisect.bisect_right(starts, address) - 1]
        found = self._memory[start][address - start : address - start + size]
        assert len(found) == size, f"{size} bytes at {address} reach outside their buffer"
        return found

    def allocate(self, size: int) -> FakeMemory:
        self._make("memory")
        array = np.full(size, 0xA5, np.uint8)
        return FakeMemory(self, "memory", address=self._placed(array), array=array)

    def pin(self, size: int, mapped: bool) -> FakePinned:
        self._make("pinned")
        array = np.full(size, 0x5A, np.uint8)
        address = self._placed(array) if mapped else None
        return FakePinned(self, "pinned", address=address, array=array)

    def stream(self) -> FakeQueue:
        self._make("stream")
        self._queues.append(FakeQueue(self, "stream", number=len(self._queues)))
        return self._queues[-1]

    def event(self) -> FakeMark:
        self._make("event")
        return FakeMark(self, "event")

    def module(self, image: bytes) -> FakeCode:
        self._make("module")
        return FakeCode(self, "module")

    def upload(self, address: int, array: NDArray[Any], queue: FakeQueue) -> None:
        self._add(queue, "upload", lambda: self._write(address, array))

    def download(self, array: NDArray[Any], address: int, queue: FakeQueue) -> None:
        self._add(queue, "download", lambda: self._read(array, address))

    def copy(self, target: int, source: int, size: int, queue: FakeQueue) -> None:
        self._add(queue, "copy", lambda: self._write(target, self.at(source, size)))

    def fill(self, address: int, value: int, size: int, queue: FakeQueue) -> None:
        self._add(queue, "fill", lambda: self.at(address, size).fill(value))

    def launch(
        self,
        function: str,
        grid: Grid,
        block: Grid,
        arguments: bytes,
        shared: int,
        queue: FakeQueue,
    ) -> None:
        kernel = self.kernels[function]
        self._add(queue, function, lambda: kernel(self, grid, block, arguments))

    def record(self, mark: FakeMark, queue: FakeQueue) -> None:
        def reach() -> None:
            mark.reached, mark.at = True, self._clock

        mark.reached = False
        self._add(queue, "record", reach)

    def wait(self, queue: FakeQueue, mark: FakeMark) -> None:
        self.ask("wait")
        queue.add(Step("wait", lambda: None, mark))

    def reached(self, mark: FakeMark) -> bool:
        self.ask("reached")
        if not self.stuck:
            self._step()
        return mark.reached

    def milliseconds(self, start: FakeMark, end: FakeMark) -> float:
        self.ask("milliseconds")
        return float(end.at - start.at)

    def begin_capture(self, queue: FakeQueue) -> None:
        self.ask("begin_capture")
        queue.captured = []

    def end_capture(self, queue: FakeQueue) -> FakeGraph:
        steps, queue.captured = queue.captured, None
        self._make("graph")
        assert steps is not None, "nothing is captured"
        return FakeGraph(self, "graph", steps=steps)

    def launch_graph(self, graph: FakeGraph, queue: FakeQueue) -> None:
        self.ask("launch_graph")
        assert not graph.freed
        for step in graph.steps:
            queue.add(step)

    def free_bytes(self) -> int:
        return 2**30 - sum(len(array) for array in self._memory.values())

    def queue_number(self, queue: FakeQueue) -> int:
        return queue.number

    def queue(self, number: int) -> FakeQueue:
        return self._queues[number]

    def close(self) -> None:
        self.ask("close")
        self.closed = True

    def _make(self, kind: str) -> None:
        self.ask(kind)
        self.made[kind] += 1

    def _placed(self, array: NDArray[np.uint8]) -> int:
        address = self._next
        self._memory[address] = array
        self._next += -(-max(len(array), 1) // 4096) * 4096 + 4096
        return address

    def _add(self, queue: FakeQueue, name: str, work: Callable[[], None]) -> None:
        self.ask(name)
        queue.add(Step(name, work))

    def _step(self) -> None:
        """One step of every stream that may go on."""
        for queue in self._queues:
            mark = queue.steps[0].waits_for if queue.steps else None
            if queue.steps and (mark is None or mark.reached):
                step = queue.steps.popleft()
                self._clock += 1
                step.work()
                self.done.append(f"{queue.number}:{step.name}")

    def _write(self, address: int, array: NDArray[Any]) -> None:
        self.at(address, array.nbytes)[:] = np.ascontiguousarray(array).view(np.uint8).ravel()

    def _read(self, array: NDArray[Any], address: int) -> None:
        array[...] = self.at(address, array.nbytes).view(array.dtype).reshape(array.shape)


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
    runtime: FakeTensorRt | None = None

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return self.runtime.tensors

    def context(self) -> "FakeContext":
        return FakeContext(self.gpu, "context", runtime=self.runtime)


@dataclass(eq=False)
class FakeContext(Thing):
    runtime: FakeTensorRt | None = None
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
    """`FrameKernels` whose work is NumPy's, launched through the device like any kernel."""

    def __init__(self, device: Device, spec: Preprocessing) -> None:
        module = device.module(b"kernels")
        self._spec = dataclasses.replace(spec, roi=None)
        self._preprocess = module.kernel("preprocess", "PPii")
        self._check = module.kernel("check", "PPii")
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
