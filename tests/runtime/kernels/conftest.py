"""The kernels' very sources on two machines: a C++ compiler over `shim.h`, and a real GPU.

With SLSG_SANITIZE in the environment the former looks for accesses out of bounds and undefined
behaviour; `test_sanitisers.py` starts that.
"""

import ctypes
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_gpu import FakeGpu, Grid
from numpy.typing import NDArray
from stand_in import NAME as STAND_IN
from stand_in import SOURCE as STAND_IN_SOURCE
from stand_in import NumberedDevice, StandIn, stand_in_image

from slsg_edge.errors import CudaError, MissingDependency
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime import kernels as package
from slsg_edge.runtime.gpu.chain import ChainOptions
from slsg_edge.runtime.gpu.compilation import kernel_images
from slsg_edge.runtime.gpu.cuda import PycudaDriver, open_device
from slsg_edge.runtime.gpu.defect_kernels import DefectKernels
from slsg_edge.runtime.gpu.device import Device
from slsg_edge.runtime.gpu.device_kernels import DeviceKernels
from slsg_edge.runtime.gpu.driver import Driver
from slsg_edge.runtime.gpu.resources import Stream
from slsg_edge.runtime.tensorrt import TensorRtDetector

HERE = Path(__file__).parent
SOURCES = Path(str(resources.files(package)))
NAMES = [path.stem for path in sorted(SOURCES.glob("*.cu"))]
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas"]
FLAGS = ["-std=c++20", *WARNINGS, "-shared", "-fPIC", "-pthread"]
CHECKS = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
MACHINES = [
    pytest.param(1, id="shim"),
    pytest.param(3, id="shim with 3 threads"),
    pytest.param(None, id="GPU", marks=pytest.mark.gpu),
]


class ShimGpu(FakeGpu):
    """Runs real kernels; its addresses are those of the host."""

    def __init__(self, library: ctypes.CDLL, threads: int) -> None:
        names = re.findall(r"__global__ void (\w+)", _all_sources())
        super().__init__(kernels={name: _runner(library, name, threads) for name in names})

    def _placed(self, array: NDArray[np.uint8]) -> int:
        self._memory[array.ctypes.data] = array
        return int(array.ctypes.data)


@dataclass
class Bench:
    """A device, what it loads, and arrays to it and back."""

    device: Device
    images: Mapping[str, bytes]

    def __post_init__(self) -> None:
        self.stream, self._done = self.device.stream(), self.device.event()

    def up(self, array: NDArray[Any], offset: int = 0) -> int:
        """Its address, `offset` bytes into a buffer that ends where it ends."""
        staged = self.device.host(array.shape, array.dtype)
        staged.array[...] = array
        address = self.device.buffer(array.nbytes + offset).address + offset
        self.stream.upload(address, staged.array)
        return address

    def room(self, size: int) -> int:
        """`size` bytes of 0xEE."""
        return self.up(np.full(size, 0xEE, np.uint8))

    def down(self, address: int, shape: tuple[int, ...], dtype: Any = np.uint8) -> NDArray[Any]:
        staged = self.device.host(shape, dtype)
        self.stream.download(staged.array, address)
        self.stream.record(self._done)
        self.device.wait(self._done)
        return np.array(staged.array)


@dataclass
class Machine:
    """Where kernels run, and detectors whose engine is `stand_in.cu`."""

    driver: Callable[[], Driver]
    images: Mapping[str, bytes]
    frames: int  # of a long run
    device: Device | None = None  # of the detector that was opened last

    def detector(
        self, spec: Preprocessing, options: ChainOptions | None = None, poison: float = -1
    ) -> TensorRtDetector:
        options = options or ChainOptions()
        self.device = device = NumberedDevice(self.driver())
        network = StandIn(device, self.images[STAND_IN], spec, options.batch, poison)
        kernels = partial(DeviceKernels, spec=spec, images=self.images)
        return TensorRtDetector(
            device, network, b"", spec, options, kernels=kernels, defects=self._defects(spec)
        )

    def _defects(self, spec: Preprocessing) -> Callable[[Device, Stream], DefectKernels]:
        return lambda device, stream: DefectKernels(
            device, stream, replace(spec, roi=None), self.images
        )


@pytest.fixture(scope="session")
def shim_library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Every kernel of the package as `run_<name>`."""
    if shutil.which("g++") is None:
        pytest.skip("there is no g++")
    folder = tmp_path_factory.mktemp("shim")
    names = re.findall(r"__global__ void (\w+)", _all_sources())
    includes = [f'#include "{path}"' for path in _paths()]
    lines = ['#include "shim.h"', *includes, *(f"EXPORT({name})" for name in names)]
    (folder / "kernels.cpp").write_text("\n".join(lines))
    flags = [*FLAGS, *(CHECKS if os.environ.get("SLSG_SANITIZE") else ["-O2"])]
    output: list[str | Path] = ["-o", folder / "kernels.so", folder / "kernels.cpp"]
    subprocess.run(["g++", *flags, f"-I{HERE}", f"-I{SOURCES}", *output], check=True)
    return ctypes.CDLL(str(folder / "kernels.so"))


@pytest.fixture(scope="session")
def gpu_images() -> Iterator[Mapping[str, bytes]]:
    """For the GPU at hand, whose context is made once for all tests: that takes 0.2 s."""
    try:
        device = open_device()
    except (CudaError, MissingDependency) as error:
        pytest.skip(str(error))
    with device:
        yield {**kernel_images(device.gpu, NAMES), STAND_IN: stand_in_image(device.gpu)}


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> Machine:
    """Every test runs on the shim, with one and with several threads, and on a GPU."""
    if request.param is None:
        return Machine(PycudaDriver, request.getfixturevalue("gpu_images"), frames=10_000)
    library = request.getfixturevalue("shim_library")
    images = dict.fromkeys([*NAMES, STAND_IN], b"")
    return Machine(partial(ShimGpu, library, request.param), images, frames=100)


@pytest.fixture
def bench(machine: Machine) -> Iterator[Bench]:
    with Device(machine.driver()) as device:
        yield Bench(device, machine.images)


def _paths() -> list[Path]:
    return [*sorted(SOURCES.glob("*.cu")), STAND_IN_SOURCE]


def _all_sources() -> str:
    return "".join(path.read_text() for path in _paths())


def _runner(library: ctypes.CDLL, name: str, threads: int) -> Callable[..., None]:
    function = getattr(library, f"run_{name}")
    function.restype = ctypes.c_size_t

    def run(gpu: FakeGpu, grid: Grid, block: Grid, arguments: bytes) -> None:
        shape = (ctypes.c_uint * 4)(*grid, min(threads, block[0]))
        taken = function(shape, arguments)
        assert taken == len(arguments), f"{name} takes {taken} bytes, not {len(arguments)}"

    return run
