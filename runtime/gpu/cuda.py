"""CUDA through pycuda, which nothing else imports, and through libcuda where pycuda has no call.

The driver is asked before pycuda is imported: without one pycuda fails with a linker's message, and
TensorRT's lean runtime ends the process. The primary context is retained, which torch and the CUDA
runtime share; `pycuda.autoinit` would make one of its own at import.
"""

import ctypes
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from slsg_edge.errors import CudaError, MissingDependency
from slsg_edge.machine.nvidia import DRIVER, first_gpu
from slsg_edge.runtime.gpu.device import Device
from slsg_edge.runtime.gpu.driver import Address, Grid

_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING: no waiting for the default stream, which torch uses
_THREAD_LOCAL = 1  # CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other threads may allocate meanwhile
_PYCUDA = "Build it again here: pip install --no-binary pycuda --force-reinstall pycuda"


class Refusal(Exception):
    """A call of libcuda itself gave an error."""


def open_device() -> Device:
    """The first GPU for the calling thread; the error says what is missing.

    CUDA_VISIBLE_DEVICES chooses another one.
    """
    return Device(PycudaDriver())


class PycudaDriver:
    """`driver.Driver` on pycuda, whose objects give everything back when nobody holds them.

    They do so only in the thread that made the context, which `Device` sees to.
    """

    def __init__(self) -> None:
        """Makes the primary context of the first GPU current in this thread."""
        self.gpu = first_gpu()
        self._library, self._cuda = ctypes.CDLL(DRIVER), _pycuda()
        self.failures: tuple[type[Exception], ...] = (self._cuda.Error, Refusal)
        try:
            self._cuda.init()
            device = self._cuda.Device(0)
            self.integrated = bool(device.get_attribute(self._cuda.device_attribute.INTEGRATED))
            self._context = device.retain_primary_context()
            self._context.push()
        except self._cuda.Error as error:
            raise CudaError(
                f"{self.gpu.name} cannot be used: {error}.",
                fix="See with nvidia-smi whether another process uses it alone.",
            ) from error

    def allocate(self, size: int) -> "DeviceMemory":
        return DeviceMemory(self._cuda.mem_alloc(size))

    def pin(self, size: int, mapped: bool) -> "Pinned":
        flags = self._cuda.host_alloc_flags.DEVICEMAP if mapped else 0
        return Pinned(self._cuda.pagelocked_empty(size, "u1", mem_flags=flags), mapped)

    def stream(self) -> "PycudaObject":
        return PycudaObject(self._cuda.Stream(_NON_BLOCKING))

    def event(self) -> "PycudaObject":
        return PycudaObject(self._cuda.Event())

    def module(self, image: bytes) -> "Code":
        return Code(self._cuda.module_from_buffer(image))

    def upload(self, address: Address, array: NDArray[Any], queue: "PycudaObject") -> None:
        self._cuda.memcpy_htod_async(address, array, queue.object)

    def download(self, array: NDArray[Any], address: Address, queue: "PycudaObject") -> None:
        self._cuda.memcpy_dtoh_async(array, address, queue.object)

    def copy(self, target: Address, source: Address, size: int, queue: "PycudaObject") -> None:
        self._cuda.memcpy_dtod_async(target, source, size, queue.object)

    def fill(self, address: Address, value: int, size: int, queue: "PycudaObject") -> None:
        self._cuda.memset_d8_async(address, value, size, queue.object)

    def launch(
        self,
        function: "PycudaObject",
        grid: Grid,
        block: Grid,
        arguments: bytes,
        shared: int,
        queue: "PycudaObject",
    ) -> None:
        # prepared_async_call would set the block's shape in a call of its own, long deprecated
        function.object._launch_kernel(grid, block, arguments, shared, queue.object)

    def record(self, mark: "PycudaObject", queue: "PycudaObject") -> None:
        mark.object.record(queue.object)

    def wait(self, queue: "PycudaObject", mark: "PycudaObject") -> None:
        queue.object.wait_for_event(mark.object)

    def reached(self, mark: "PycudaObject") -> bool:
        return bool(mark.object.query())

    def milliseconds(self, start: "PycudaObject", end: "PycudaObject") -> float:
        return float(end.object.time_since(start.object))

    def begin_capture(self, queue: "PycudaObject") -> None:
        self._libcuda("cuStreamBeginCapture_v2", self._stream(queue), _THREAD_LOCAL)

    def end_capture(self, queue: "PycudaObject") -> "CapturedGraph":
        graph, executable = ctypes.c_void_p(), ctypes.c_void_p()
        self._libcuda("cuStreamEndCapture", self._stream(queue), ctypes.byref(graph))
        try:
            flags = ctypes.c_ulonglong(0)
            to = ctypes.byref(executable)
            self._libcuda("cuGraphInstantiateWithFlags", to, graph, flags)
        finally:
            self._libcuda("cuGraphDestroy", graph)
        return CapturedGraph(self._library, executable)

    def launch_graph(self, graph: "CapturedGraph", queue: "PycudaObject") -> None:
        self._libcuda("cuGraphLaunch", graph.executable, self._stream(queue))

    def free_bytes(self) -> int:
        return int(self._cuda.mem_get_info()[0])

    def queue_number(self, queue: "PycudaObject") -> int:
        return int(queue.object.handle)

    def close(self) -> None:
        """pycuda takes detaching for popping, which is untrue of a primary context."""
        self._context.pop()
        self._context.detach()
        self._libcuda("cuCtxPopCurrent_v2", ctypes.byref(ctypes.c_void_p()))

    def _stream(self, queue: "PycudaObject") -> ctypes.c_void_p:
        return ctypes.c_void_p(self.queue_number(queue))

    def _libcuda(self, name: str, *arguments: Any) -> None:
        function = getattr(self._library, name, None)
        if function is None:
            raise Refusal(f"this driver has no {name}")
        _check(self._library, function(*arguments))


class PycudaObject:
    """An object of pycuda's that frees what it stands for once nobody holds it."""

    def __init__(self, owned: Any) -> None:
        self.object = owned

    def free(self) -> None:
        self.object = None


class Code(PycudaObject):
    """A module, and its functions, each of which would keep it loaded."""

    def __init__(self, module: Any) -> None:
        super().__init__(module)
        self._functions: list[PycudaObject] = []

    def function(self, name: str) -> PycudaObject:
        self._functions.append(PycudaObject(self.object.get_function(name)))
        return self._functions[-1]

    def free(self) -> None:
        for function in self._functions:
            function.free()
        super().free()


class DeviceMemory(PycudaObject):
    """`address` is asked of pycuda once."""

    def __init__(self, allocation: Any) -> None:
        super().__init__(allocation)
        self.address = int(allocation)

    def free(self) -> None:
        self.object.free()


class Pinned:
    """Pinned bytes and, when mapped, where the GPU sees them."""

    def __init__(self, array: NDArray[Any], mapped: bool) -> None:
        allocation: Any = array.base
        self.array, self._allocation = array, allocation
        self.address: Address | None = int(allocation.get_device_pointer()) if mapped else None

    def free(self) -> None:
        self._allocation.free()


class CapturedGraph:
    """An executable graph, which pycuda knows nothing of."""

    def __init__(self, library: ctypes.CDLL, executable: ctypes.c_void_p) -> None:
        self._library, self.executable = library, executable

    def free(self) -> None:
        _check(self._library, self._library.cuGraphExecDestroy(self.executable))


def _check(library: ctypes.CDLL, status: int) -> None:
    """Refusal, in the driver's words, for any status but success."""
    if status:
        text = ctypes.c_char_p()
        library.cuGetErrorString(status, ctypes.byref(text))
        raise Refusal(f"{(text.value or b'unknown').decode()} (CUDA error {status})")


def _pycuda() -> ModuleType:
    """pycuda.driver; it is built for one driver and one Python, so it may be there and not load."""
    try:
        import pycuda.driver as cuda
    except ModuleNotFoundError as error:
        raise MissingDependency(error.name or "pycuda", extra="cuda") from error
    except (ImportError, OSError) as error:
        raise CudaError(f"pycuda does not load: {error}.", fix=_PYCUDA) from error
    return cuda  # type: ignore[no-any-return]
