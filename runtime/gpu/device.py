"""A GPU in the hands of one thread: memory, streams, events, kernels, graphs.

Everything is allocated once, counted, and freed by `close`, the last first. Knows nothing about
pycuda, which `cuda.py` puts behind `Driver`, nor about engines.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from slsg_edge.errors import CudaError
from slsg_edge.machine.nvidia import Gpu
from slsg_edge.runtime.gpu.driver import Driver, Handle
from slsg_edge.runtime.gpu.resources import Buffer, Event, HostBuffer, Module, Resource, Stream

GPU_DEADLINE = 5.0  # seconds for one batch: a GPU that fell off the bus may never answer
_SPIN = 0.05  # seconds of asking without a pause: a sleep would add its 60 us to each frame
_PAUSE = 0.001
_FIX = "Run: slsg-edge doctor, look for Xid lines in `dmesg`, then start the program again."
# Freeing memory that a stuck GPU still uses waits for ever, so it is kept until the process ends.
_abandoned: list[object] = []

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
HandleType = TypeVar("HandleType", bound=Handle)


class Device:
    """Refuses every other thread: a CUDA context used from two fails at some later call."""

    def __init__(self, driver: Driver) -> None:
        self.allocations = 0
        self.driver = driver
        self._owner = threading.current_thread()
        self._held: list[Resource[Any]] = []
        self._stuck = self._closed = False

    @property
    def gpu(self) -> Gpu:
        return self.driver.gpu

    def buffer(self, size: int) -> Buffer:
        return Buffer(self, self.call("Allocating", self.driver.allocate, size), size)

    def host(self, shape: tuple[int, ...], dtype: DTypeLike) -> HostBuffer:
        """Pinned; on a GPU that shares memory with the CPU also mapped, so nothing is copied."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        pinned = self.call("Pinning memory", self.driver.pin, size, self.driver.integrated)
        return HostBuffer(self, pinned, shape, dtype)

    def stream(self) -> Stream:
        return Stream(self, self.call("Making a stream", self.driver.stream))

    def event(self) -> Event:
        return Event(self, self.call("Making an event", self.driver.event))

    def module(self, image: bytes) -> Module:
        """`image`: cubin, fatbin or PTX."""
        return Module(self, self.call("Loading kernels", self.driver.module, image))

    def keep(self, handle: HandleType) -> Resource[HandleType]:
        """Something of TensorRT's, freed with everything else: before what was made ahead of it."""
        return Resource(self, handle)

    def wait(self, event: Event, deadline: float = GPU_DEADLINE) -> None:
        """The host waits. CudaError after `deadline` seconds; the device is of no use then."""
        started = time.monotonic()
        while not self.call("Waiting for the GPU", self.driver.reached, event.handle):
            waited = time.monotonic() - started
            if waited > deadline:
                self._stuck = True
                raise CudaError(f"{self.gpu.name} did not finish within {deadline:g} s.", fix=_FIX)
            time.sleep(0 if waited < _SPIN else _PAUSE)

    def free_bytes(self) -> int:
        return self.call("Asking for free memory", self.driver.free_bytes)

    def call(
        self,
        doing: str,
        function: Callable[Parameters, Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Every call of the driver goes through here: right thread, and failures as CudaError."""
        self.require_owner()
        try:
            return function(*args, **kwargs)
        except self.driver.failures as error:
            raise CudaError(f"{doing} failed on {self.gpu.name}: {error}.", fix=_FIX) from error

    def require_owner(self) -> None:
        """CudaError in any other thread, and for everybody once it is closed."""
        thread = threading.current_thread()
        if thread is not self._owner:
            raise CudaError(
                f"The GPU belongs to the thread '{self._owner.name}', but '{thread.name}' used it.",
                fix="Open a detector in the thread that uses it, or share one with SharedDetector.",
            )
        if self._closed:
            raise CudaError(f"{self.gpu.name} was closed.", fix="Open the detector again.")

    def adopt(self, resource: Resource[Any]) -> None:
        self.allocations += 1
        self._held.append(resource)

    def release(self, resource: Resource[Any], handle: Handle) -> None:
        self._held.remove(resource)
        if self._stuck:
            _abandoned.append(handle)
        else:
            self.call("Freeing", handle.free)

    def close(self) -> None:
        """Frees everything, the last first. What a lost GPU refuses goes with its context."""
        if self._closed:
            return
        self.require_owner()
        for resource in reversed(self._held.copy()):
            with suppress(CudaError):
                resource.close()
        if self._stuck:
            _abandoned.append(self.driver)
        else:
            with suppress(*self.driver.failures):
                self.driver.close()
        self._closed = True

    def __enter__(self) -> "Device":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
