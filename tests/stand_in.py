"""A network that is one small kernel, behind the same seam as TensorRT's engines.

So the whole chain runs where there is no TensorRT: over the shim, and on any GPU.
"""

from pathlib import Path

from slsg_edge.machine.nvidia import Gpu
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime.gpu.compilation import COMPILER_OPTIONS, compiler_for
from slsg_edge.runtime.gpu.compilers import installed
from slsg_edge.runtime.gpu.device import Device
from slsg_edge.runtime.gpu.driver import Driver, Tensor
from slsg_edge.runtime.gpu.resources import Stream

SOURCE = Path(__file__).with_suffix(".cu")
NAME = SOURCE.stem
_BLOCK = (128, 1, 1)
_NOWHERE = 256


def stand_in_image(gpu: Gpu) -> bytes:
    """Compiled for that GPU; CudaError when nothing here can."""
    options = (
        f"--gpu-architecture=sm_{gpu.compute_capability.replace('.', '')}",
        *COMPILER_OPTIONS,
    )
    sources = {SOURCE.name: SOURCE.read_text()}
    return compiler_for(gpu, installed()).cubin(SOURCE.name, sources, options)


class NumberedDevice(Device):
    """Finds its streams again by the number that an engine is given."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        self.streams: dict[int, Stream] = {}

    def stream(self) -> Stream:
        made = super().stream()
        self.streams[made.number] = made
        return made


class StandIn:
    """`driver.Runtime` and its only `driver.Program`."""

    name = "a stand-in"

    def __init__(
        self, device: NumberedDevice, image: bytes, spec: Preprocessing, batch: int, poison: float
    ) -> None:
        self.kernel = device.module(image).kernel(NAME, "PPPfi")
        self.device, self.spec, self.poison = device, spec, poison
        self.lost = False  # from when on its kernel reads where nothing is
        size, most = (spec.height, spec.width), -1 if batch > 1 else 1
        frame = (*size, 3)
        self.tensors = (
            Tensor("frame", True, "uint8", (most, *frame), (1, *frame), (batch, *frame)),
            Tensor("anomaly_map", False, "float32", (most, *size)),
            Tensor("image_score", False, "float32", (most,)),
        )

    def program(self, plan: bytes) -> "StandIn":
        return self

    def log(self) -> tuple[str, ...]:
        return ()

    def context(self) -> "StandInContext":
        return StandInContext(self)

    def free(self) -> None:
        """The kernel is the device's."""


class StandInContext:
    def __init__(self, program: StandIn) -> None:
        self._program = program
        self._batch = 0
        self._addresses: dict[str, int] = {}

    def set_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self._batch = shape[0]
        return shape[0] <= self._program.tensors[0].largest[0]

    def bind(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def enqueue(self, queue_number: int) -> bool:
        program, places = self._program, self._addresses
        stream = program.device.streams[queue_number]
        pixels = program.spec.height * program.spec.width
        stream.fill(places["image_score"], 0, 4 * self._batch)
        grid = (-(-pixels // 1024), self._batch, 1)
        frames, *others = places.values()
        arguments = (_NOWHERE if program.lost else frames, *others, program.poison, pixels)
        stream.launch(program.kernel, grid, _BLOCK, *arguments)
        return True

    def free(self) -> None:
        """Holds nothing of the driver's."""
