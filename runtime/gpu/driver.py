"""What is asked of the CUDA driver and of TensorRT: the one place where tests put a small machine.

The real ones are `cuda.PycudaDriver` and `programs.TensorRtRuntime`. Handles are the driver's own
objects; nobody but the driver looks into them, and each has `free()`.
"""

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from numpy.typing import NDArray

from slsg_edge.machine.nvidia import Gpu

Address: TypeAlias = int
"""In the memory of the GPU."""
Grid: TypeAlias = tuple[int, int, int]
Queue: TypeAlias = Any
Mark: TypeAlias = Any
Function: TypeAlias = Any
Captured: TypeAlias = Any


class Handle(Protocol):
    """Something of the driver's that is given back once."""

    def free(self) -> None: ...


class Memory(Handle, Protocol):
    """Bytes on the GPU."""

    @property
    def address(self) -> Address: ...


class PinnedMemory(Handle, Protocol):
    """Bytes of the host that the GPU copies without asking the CPU.

    `address` is where the GPU itself sees them, None unless they were asked for as mapped.
    """

    @property
    def array(self) -> NDArray[Any]: ...

    @property
    def address(self) -> Address | None: ...


class Code(Handle, Protocol):
    """A loaded module."""

    def function(self, name: str) -> Function: ...


class Driver(Protocol):
    """CUDA on one GPU, its primary context current in the thread that made this.

    Every call raises one of `failures` when CUDA refuses.
    """

    @property
    def gpu(self) -> Gpu: ...

    @property
    def integrated(self) -> bool:
        """Whether the GPU shares memory with the CPU, as on a Jetson."""

    @property
    def failures(self) -> tuple[type[Exception], ...]: ...

    def allocate(self, size: int) -> Memory: ...

    def pin(self, size: int, mapped: bool) -> PinnedMemory: ...

    def stream(self) -> Queue: ...

    def event(self) -> Mark: ...

    def module(self, image: bytes) -> Code: ...

    def upload(self, address: Address, array: NDArray[Any], queue: Queue) -> None: ...

    def download(self, array: NDArray[Any], address: Address, queue: Queue) -> None: ...

    def copy(self, target: Address, source: Address, size: int, queue: Queue) -> None: ...

    def fill(self, address: Address, value: int, size: int, queue: Queue) -> None: ...

    def launch(
        self,
        function: Function,
        grid: Grid,
        block: Grid,
        arguments: bytes,
        shared: int,
        queue: Queue,
    ) -> None:
        """`arguments`: packed as the compiler lays them out."""

    def record(self, mark: Mark, queue: Queue) -> None: ...

    def wait(self, queue: Queue, mark: Mark) -> None:
        """What comes later on `queue` waits; the host does not."""

    def reached(self, mark: Mark) -> bool: ...

    def milliseconds(self, start: Mark, end: Mark) -> float: ...

    def begin_capture(self, queue: Queue) -> None: ...

    def end_capture(self, queue: Queue) -> Captured: ...

    def launch_graph(self, graph: Captured, queue: Queue) -> None: ...

    def free_bytes(self) -> int: ...

    def queue_number(self, queue: Queue) -> int:
        """The CUstream, for TensorRT."""

    def close(self) -> None:
        """Gives the context back; what was not freed goes with it."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of an engine.

    dtype: as NumPy calls it.
    shape: -1 is a dimension given at run time.
    smallest, largest: the bounds of the first optimisation profile, for an input.
    """

    name: str
    is_input: bool
    dtype: str
    shape: tuple[int, ...]
    smallest: tuple[int, ...] = ()
    largest: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} {self.shape}"


class ExecutionContext(Handle, Protocol):
    """An engine at one batch size with its buffers. The calls give False when refused."""

    def set_shape(self, name: str, shape: tuple[int, ...]) -> bool: ...

    def bind(self, name: str, address: Address) -> bool: ...

    def enqueue(self, queue_number: int) -> bool: ...


class Program(Handle, Protocol):
    """A deserialised engine."""

    @property
    def tensors(self) -> tuple[Tensor, ...]: ...

    def context(self) -> ExecutionContext | None: ...


class Runtime(Protocol):
    """TensorRT as far as it runs engines."""

    @property
    def name(self) -> str:
        """With its version, as in `TensorRT 10.3.0`."""

    def program(self, plan: bytes) -> Program | None:
        """None when TensorRT refuses the plan; `log` says why."""

    def log(self) -> tuple[str, ...]:
        """Its warnings and errors since the last time that somebody asked."""
