"""What our own work on a GPU costs: kernels beside its memory, the chain beside a bare upload.

No engine is needed: in its place stands one that does nothing. All times are the GPU's own, between
events, except those of the host. Knows nothing about bundles.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from slsg_edge.contracts import GRAPH_INPUT, GRAPH_OUTPUTS
from slsg_edge.errors import ConfigError
from slsg_edge.machine.host import Machine, machine
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime.gpu.device import Device
from slsg_edge.runtime.gpu.device_kernels import DeviceKernels
from slsg_edge.runtime.gpu.driver import Tensor
from slsg_edge.runtime.gpu.lane import LANE_STAGES
from slsg_edge.runtime.gpu.pixel_formats import ROW_BYTES, Layout, PixelFormat, tight
from slsg_edge.runtime.tensorrt import TensorRtDetector

BANDWIDTH_SHARE = 0.6  # of the measured bandwidth: what `preprocess` is to reach
LAUNCH_BOUND = 10.0  # us: below it a launch counts for more than the bytes
UPLOADS, ALLOWANCE = 1.2, 20.0  # the chain: so many bare uploads, and us
_WARM_UP = 5


@dataclass(frozen=True, slots=True)
class GpuBenchSettings:
    """Frames of `width` x `height` to `side` x `side`; `rounds` of everything.

    A kernel is timed as a graph of `launches`, its frames `pool` bytes in all: more than the GPU
    keeps in a cache.
    """

    width: int = 1920
    height: int = 1080
    side: int = 256
    rounds: int = 200
    launches: int = 64
    pool: int = 2**28

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 2 or self.width % 2 or self.height % 2:
            raise ConfigError(
                f"Frames of {self.width}x{self.height} do not exist in every format.",
                fix="Give an even width and height.",
            )
        if self.width * self.height * 3 > self.pool:
            raise ConfigError(
                f"A frame of {self.width}x{self.height} is larger than {self.pool} bytes.",
                fix="Give a smaller width and height.",
            )


@dataclass(frozen=True, slots=True)
class KernelTiming:
    """How long `preprocess` takes for a frame.

    pixels: the format of the frame
    microseconds: of one launch
    launch: of one for a frame of 2x2 pixels, in microseconds, which is all but launch
    touched: bytes of the frame and of the result
    share: of the bandwidth at which this GPU copies
    """

    pixels: PixelFormat
    microseconds: float
    launch: float
    touched: int
    share: float

    @property
    def verdict(self) -> str:
        if self.share >= BANDWIDTH_SHARE:
            return f"{BANDWIDTH_SHARE:.0%} or more"
        if self.microseconds < LAUNCH_BOUND:
            return f"below {LAUNCH_BOUND:.0f} us, {self.launch:.1f} of it without the frame"
        return f"below {BANDWIDTH_SHARE:.0%}"


@dataclass(frozen=True, slots=True)
class ChainTiming:
    """Microseconds for one BGR frame, without an engine.

    upload: the same bytes from pinned memory and nothing else
    chain: from the start of the upload to the score on the host
    stages: the parts of the chain
    staging: the host's copy into pinned memory, by the host's clock
    whole: all that a caller waits, by the host's clock
    allocations_per_frame: how many, on the GPU
    """

    upload: float
    chain: float
    stages: dict[str, float]
    staging: float
    whole: float
    allocations_per_frame: float

    @property
    def limit(self) -> float:
        return UPLOADS * self.upload + ALLOWANCE


@dataclass(frozen=True, slots=True)
class GpuBenchmark:
    """What our own work costs on a GPU.

    machine, gpu, cuda: where it was timed
    settings: what was timed
    copy_gb_s: from device to device, bytes read and bytes written
    kernels: `preprocess` of each pixel format
    chain: all around an engine
    """

    machine: Machine
    gpu: str
    cuda: str
    settings: GpuBenchSettings
    copy_gb_s: float
    kernels: tuple[KernelTiming, ...]
    chain: ChainTiming


def gpu_benchmark(
    device: Device, images: Mapping[str, bytes], settings: GpuBenchSettings
) -> GpuBenchmark:
    """`images` are those of `DeviceKernels.SOURCES`; closes the device."""
    with device:
        kernels = _KernelBench(device, images, settings)
        copy = kernels.copy_rate()
        return GpuBenchmark(
            machine=machine(),
            gpu=str(device.gpu),
            cuda=device.gpu.cuda,
            settings=settings,
            copy_gb_s=copy / 1e3,
            kernels=tuple(kernels.timing(pixels, copy) for pixels in ROW_BYTES),
            chain=_chain(device, images, settings),
        )


class _Clock:
    """A stream between two events."""

    def __init__(self, device: Device) -> None:
        self._device, self.stream = device, device.stream()
        self._start, self._end = device.event(), device.event()

    def microseconds(self, work: Callable[[], None]) -> float:
        """On the GPU, for what `work` enqueues on the stream."""
        self.stream.record(self._start)
        work()
        self.stream.record(self._end)
        self._device.wait(self._end)
        return self._end.since(self._start) * 1e3


class _KernelBench:
    """A pool of frames that no cache holds."""

    def __init__(
        self, device: Device, images: Mapping[str, bytes], settings: GpuBenchSettings
    ) -> None:
        self._settings, self._clock = settings, _Clock(device)
        self._stream = self._clock.stream
        self._kernels = DeviceKernels(device, _spec(settings), images)
        self._pool = device.buffer(settings.pool)
        self._target = device.buffer(settings.side**2 * 3)
        self._stream.fill(self._pool.address, 0x55, settings.pool)

    def copy_rate(self) -> float:
        """Bytes per microsecond, those read and those written."""
        half, first = self._settings.pool // 2, self._pool.address
        return 2 * half / self._median(lambda: self._stream.copy(first + half, first, half))

    def timing(self, pixels: PixelFormat, copy_rate: float) -> KernelTiming:
        layout = tight(pixels, self._settings.width, self._settings.height)
        took, launch = self._launch(layout), self._launch(tight(pixels, 2, 2))
        touched = layout.size + self._target.size
        return KernelTiming(pixels, took, launch, touched, touched / took / copy_rate)

    def _launch(self, layout: Layout) -> float:
        """Microseconds of one among many back to back, each of another frame."""
        step = -(-layout.size // 256) * 256
        places, launches = self._settings.pool // step, self._settings.launches

        def work() -> None:
            for index in range(launches):
                source = self._pool.address + index % places * step
                self._kernels.prepare(self._stream, source, layout, self._target.address)

        graph = self._stream.capture(work)
        took = self._median(lambda: self._stream.run(graph))
        graph.close()
        return took / launches

    def _median(self, work: Callable[[], None]) -> float:
        for _ in range(_WARM_UP):
            self._clock.microseconds(work)
        rounds = range(self._settings.rounds)
        return statistics.median(self._clock.microseconds(work) for _ in rounds)


def _chain(device: Device, images: Mapping[str, bytes], settings: GpuBenchSettings) -> ChainTiming:
    """The bare upload and the chain in turn, so that both see the same machine."""
    spec, clock = _spec(settings), _Clock(device)
    frame = np.full((settings.height, settings.width, 3), 0x55, np.uint8)
    pinned, copy = device.host(frame.shape, np.uint8), device.buffer(frame.size)
    rows: list[tuple[float, ...]] = []
    with TensorRtDetector(
        device, _NoEngine(spec), b"", spec, kernels=lambda on: DeviceKernels(on, spec, images)
    ) as detector:
        for index in range(_WARM_UP + settings.rounds):
            if index == _WARM_UP:
                rows, made = [], device.allocations
            started = time.perf_counter()
            np.copyto(pinned.array, frame)
            staged = time.perf_counter()
            upload = clock.microseconds(lambda: clock.stream.upload(copy.address, pinned.array))
            asked = time.perf_counter()
            detector.score(frame)
            answered = time.perf_counter()
            stages = [took * 1e3 for took in detector.milliseconds().values()]
            host = ((staged - started) * 1e6, (answered - asked) * 1e6)
            rows.append((upload, *host, sum(stages), *stages))
        allocations = (device.allocations - made) / settings.rounds
    upload, staging, whole, chain, *stages = np.median(rows, axis=0).tolist()
    named = dict(zip(LANE_STAGES, stages, strict=True))
    return ChainTiming(upload, chain, named, staging, whole, allocations)


def _spec(settings: GpuBenchSettings) -> Preprocessing:
    return Preprocessing(settings.side, settings.side)


class _NoEngine:
    """`driver.Runtime`, its program and its context: does nothing, so the chain is what remains."""

    name = "no engine"

    def __init__(self, spec: Preprocessing) -> None:
        size = (spec.height, spec.width)
        frames = (1, *size, 3)
        self.tensors = (
            Tensor(GRAPH_INPUT, True, "uint8", frames, frames, frames),
            Tensor(GRAPH_OUTPUTS[0], False, "float32", (1, *size)),
            Tensor(GRAPH_OUTPUTS[1], False, "float32", (1,)),
        )

    def program(self, plan: bytes) -> "_NoEngine":
        return self

    def context(self) -> "_NoEngine":
        return self

    def set_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        return True

    def bind(self, name: str, address: int) -> bool:
        return True

    def enqueue(self, queue_number: int) -> bool:
        return True

    def log(self) -> tuple[str, ...]:
        return ()

    def free(self) -> None:
        """There is nothing to free."""
