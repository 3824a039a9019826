"""What a device gives out: buffers, events, kernels, graphs and streams, each freed once.

Knows nothing about who counts and orders them: an `Owner`, as `device.Device` is.
"""

import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from numpy.typing import DTypeLike, NDArray

from slsg_edge.errors import CudaError
from slsg_edge.runtime.gpu.driver import (
    Address,
    Code,
    Driver,
    Function,
    Grid,
    Handle,
    Mark,
    Memory,
    PinnedMemory,
    Queue,
)

HandleType = TypeVar("HandleType", bound=Handle)
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Owner(Protocol):
    """What a resource needs of the device that it lives on."""

    driver: Driver

    def call(
        self,
        doing: str,
        function: Callable[Parameters, Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result: ...

    def adopt(self, resource: "Resource[Any]") -> None: ...

    def release(self, resource: "Resource[Any]", handle: Handle) -> None: ...


class Resource(Generic[HandleType]):
    """Made on a device and freed once, by `close` or with the device; never by `__del__`."""

    def __init__(self, device: Owner, handle: HandleType) -> None:
        self.device = device
        self._handle: HandleType | None = handle
        device.adopt(self)

    @property
    def handle(self) -> HandleType:
        if self._handle is None:
            raise CudaError(
                f"{type(self).__name__} was used after it was freed.",
                fix="Open the detector again.",
            )
        return self._handle

    def close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            self.device.release(self, handle)


class Buffer(Resource[Memory]):
    """Bytes on the GPU."""

    def __init__(self, device: Owner, handle: Memory, size: int) -> None:
        super().__init__(device, handle)
        self.size = size

    @property
    def address(self) -> Address:
        return self.handle.address


class HostBuffer(Resource[PinnedMemory]):
    """Pinned memory as an array; `address` is where the GPU sees it, None unless mapped."""

    def __init__(
        self, device: Owner, handle: PinnedMemory, shape: tuple[int, ...], dtype: DTypeLike
    ) -> None:
        super().__init__(device, handle)
        self._shape, self._dtype = shape, dtype

    @property
    def array(self) -> NDArray[Any]:
        """Of no use, and dangerous, after `close`: copy what is to be kept."""
        return self.handle.array.view(self._dtype).reshape(self._shape)

    @property
    def address(self) -> Address | None:
        return self.handle.address


class Event(Resource[Mark]):
    """A point in a stream."""

    def since(self, start: "Event") -> float:
        """Milliseconds; both must have been reached."""
        driver = self.device.driver
        return self.device.call("Timing", driver.milliseconds, start.handle, self.handle)


class Kernel:
    """A function of a module; `layout` is the `struct` format of its arguments."""

    def __init__(self, function: Function, layout: struct.Struct) -> None:
        self.function, self.layout = function, layout


class Module(Resource[Code]):
    """Loaded kernels."""

    def kernel(self, name: str, layout: str) -> Kernel:
        """`layout` in native alignment, as in `PPif`; a structure by value is bytes, `72s`."""
        function = self.device.call(f"Finding {name}", self.handle.function, name)
        return Kernel(function, struct.Struct(layout))


class CudaGraph(Resource[Handle]):
    """Work of a stream, captured once and launched as one."""


class Stream(Resource[Queue]):
    """Work for the GPU in order; nothing here waits for it."""

    @property
    def number(self) -> int:
        """The CUstream, for TensorRT."""
        return self.device.driver.queue_number(self.handle)

    def upload(self, address: Address, array: NDArray[Any]) -> None:
        """From pinned memory, which must stay as it is until the copy is done."""
        self.device.call("Uploading", self.device.driver.upload, address, array, self.handle)

    def download(self, array: NDArray[Any], address: Address) -> None:
        self.device.call("Downloading", self.device.driver.download, array, address, self.handle)

    def copy(self, target: Address, source: Address, size: int) -> None:
        """`size` bytes from one place on the GPU to another."""
        self.device.call("Copying", self.device.driver.copy, target, source, size, self.handle)

    def fill(self, address: Address, value: int, size: int) -> None:
        """`size` bytes."""
        self.device.call("Filling", self.device.driver.fill, address, value, size, self.handle)

    def launch(
        self, kernel: Kernel, grid: Grid, block: Grid, *arguments: object, shared: int = 0
    ) -> None:
        packed = kernel.layout.pack(*arguments)
        launch = self.device.driver.launch
        self.device.call(
            "A kernel", launch, kernel.function, grid, block, packed, shared, self.handle
        )

    def record(self, event: Event) -> None:
        self.device.call("Recording", self.device.driver.record, event.handle, self.handle)

    def wait(self, event: Event) -> None:
        """What is enqueued from now on waits for `event`."""
        self.device.call("Ordering streams", self.device.driver.wait, self.handle, event.handle)

    def capture(self, work: Callable[[], None]) -> CudaGraph:
        """What `work` enqueues here, to be launched later; the stream stays usable on failure."""
        driver = self.device.driver
        self.device.call("Capturing a graph", driver.begin_capture, self.handle)
        try:
            work()
        except BaseException:
            with suppress(CudaError):
                self.device.call("Capturing a graph", driver.end_capture, self.handle).free()
            raise
        captured = self.device.call("Capturing a graph", driver.end_capture, self.handle)
        return CudaGraph(self.device, captured)

    def run(self, graph: CudaGraph) -> None:
        self.device.call(
            "Launching a graph", self.device.driver.launch_graph, graph.handle, self.handle
        )
