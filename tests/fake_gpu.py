"""A GPU in Python: memory, streams that lag behind, graphs, and things that fail.

Work is done only while somebody waits, one step of every stream at a time, and reads the host's
memory at that moment: a buffer that is reused too early gives wrong numbers here as it would there.
"""

import bisect
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slsg_edge.machine.nvidia import Gpu
from slsg_edge.runtime.gpu.driver import Grid

ORIN = Gpu("Orin", "8.7", "12.6", "540.4.0", "36.4.0")
START = 1 << 20  # of the addresses

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
