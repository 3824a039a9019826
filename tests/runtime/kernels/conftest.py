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
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_gpu import FakeGpu, Grid
from numpy.typing import NDArray

from slsg_edge.errors import CudaError, MissingDependency
from slsg_edge.runtime import kernels as package
from slsg_edge.runtime.compilation import kernel_images
from slsg_edge.runtime.cuda import open_device
from slsg_edge.runtime.device import Device

HERE = Path(__file__).parent
SOURCES = Path(str(resources.files(package)))
NAMES = [path.stem for path in sorted(SOURCES.glob("*.cu"))]
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread"]
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


@pytest.fixture(scope="session")
def shim_library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Every kernel of the package as `run_<name>`."""
    if shutil.which("g++") is None:
        pytest.skip("there is no g++")
    folder = tmp_path_factory.mktemp("shim")
    names = re.findall(r"__global__ void (\w+)", _all_sources())
    includes = [f'#include "{path.name}"' for path in sorted(SOURCES.glob("*.cu"))]
    lines = ['#include "shim.h"', *includes, *(f"EXPORT({name})" for name in names)]
    (folder / "kernels.cpp").write_text("\n".join(lines))
    flags = [*FLAGS, *(CHECKS if os.environ.get("SLSG_SANITIZE") else ["-O2"])]
    output = ["-o", folder / "kernels.so", folder / "kernels.cpp"]
    subprocess.run(["g++", *flags, f"-I{HERE}", f"-I{SOURCES}", *output], check=True)
    return ctypes.CDLL(str(folder / "kernels.so"))


@pytest.fixture
def shim_gpu(shim_library: ctypes.CDLL) -> ShimGpu:
    """For a chain with an engine that is not real."""
    return ShimGpu(shim_library, threads=1)


@pytest.fixture(params=MACHINES)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Every test runs on the shim, with one and with several threads, and on a GPU."""
    if request.param is not None:
        library = request.getfixturevalue("shim_library")
        device = Device(ShimGpu(library, request.param))
        images = dict.fromkeys(NAMES, b"")
    else:
        try:
            device = open_device()
            images = kernel_images(device.gpu, NAMES)
        except (CudaError, MissingDependency) as error:
            pytest.skip(str(error))
    with device:
        yield Bench(device, images)


def _all_sources() -> str:
    return "".join(path.read_text() for path in sorted(SOURCES.glob("*.cu")))


def _runner(library: ctypes.CDLL, name: str, threads: int) -> Callable[..., None]:
    function = getattr(library, f"run_{name}")
    function.restype = ctypes.c_size_t

    def run(gpu: FakeGpu, grid: Grid, block: Grid, arguments: bytes) -> None:
        shape = (ctypes.c_uint * 4)(*grid, min(threads, block[0]))
        taken = function(shape, arguments)
        assert taken == len(arguments), f"{name} takes {taken} bytes, not {len(arguments)}"

    return run
