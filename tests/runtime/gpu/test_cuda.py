"""PyCUDA itself over a libcuda made here; without PyCUDA only what comes before it is tested.

`SLSG_EDGE_PYCUDA` may name another interpreter that has PyCUDA.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import fake_libcuda
import pytest

ROOT = Path(__file__).resolve().parents[3]
PROLOGUE = """
import ctypes, numpy as np
from slsg_edge.errors import SlsgError
from slsg_edge.runtime.gpu.cuda import open_device
fake = ctypes.CDLL("libcuda.so.1")
"""
REFUSED = """
from slsg_edge.errors import SlsgError
from slsg_edge.runtime.gpu.cuda import open_device
try:
    open_device()
except SlsgError as error:
    print(type(error).__name__, error)
"""


def interpreter() -> str | None:
    if found := os.environ.get("SLSG_EDGE_PYCUDA"):
        return found
    return sys.executable if importlib.util.find_spec("pycuda") else None


def run(code: str, libraries: Path | None = None, **settings: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    if libraries is not None:
        environment["LD_LIBRARY_PATH"] = str(libraries)
    command = [interpreter() or sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def libcuda(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a libcuda that fits the PyCUDA at hand."""
    python = interpreter()
    if python is None:
        pytest.skip("PyCUDA is not installed here, and SLSG_EDGE_PYCUDA names no other Python")
    if not shutil.which("gcc"):
        pytest.skip("there is no gcc to build a libcuda with")
    code = "import importlib.util as i; print(i.find_spec('pycuda').submodule_search_locations[0])"
    package = Path(subprocess.check_output([python, "-c", code], text=True).strip())
    (extension,) = package.glob("_driver*.so")
    return fake_libcuda.build(tmp_path_factory.mktemp("cuda"), extension).parent


def test_without_a_driver_the_error_says_so(tmp_path):
    (tmp_path / "libcuda.so.1").write_bytes(b"no library")
    said = run(REFUSED, tmp_path)
    assert said.startswith("CudaError libcuda.so.1 cannot be loaded")


def test_a_driver_without_a_gpu_is_told_from_no_driver(libcuda):
    assert "reports error 100" in run(REFUSED, libcuda, FAKE_INIT="100")
    assert "and 0 devices" in run(REFUSED, libcuda, FAKE_DEVICES="0")


def test_a_missing_pycuda_names_its_extra(libcuda):
    code = f"import sys; sys.modules['pycuda'] = None\n{REFUSED}"
    assert "pip install 'slsg-edge[cuda]'" in run(code, libcuda)


def test_a_pycuda_of_another_driver_says_how_to_build_it(libcuda):
    code = (
        "import sys, types\n"
        "class Broken:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'pycuda._driver':\n"
        "            raise ImportError('undefined symbol: cuStreamCreate')\n"
        f"sys.meta_path.insert(0, Broken())\n{REFUSED}"
    )
    said = run(code, libcuda)
    assert "undefined symbol" in said
    assert "--no-binary pycuda" in said


def test_bytes_go_up_and_come_back_and_nothing_is_left(libcuda):
    code = PROLOGUE + (
        "with open_device() as device:\n"
        "    print(device.gpu.name, device.gpu.compute_capability, device.free_bytes())\n"
        "    stream, event, start = device.stream(), device.event(), device.event()\n"
        "    host, buffer = device.host((2, 3), np.uint16), device.buffer(12)\n"
        "    host.array[:] = 258\n"
        "    stream.record(start)\n"
        "    stream.upload(buffer.address, host.array)\n"
        "    stream.fill(buffer.address, 7, 1)\n"
        "    stream.copy(buffer.address + 6, buffer.address, 4)\n"
        "    host.array[:] = 0\n"
        "    stream.download(host.array, buffer.address)\n"
        "    stream.wait(start)\n"
        "    stream.record(event)\n"
        "    device.wait(event)\n"
        "    print(host.array.ravel().tolist(), host.address)\n"
        "    print(event.since(start), stream.number > 0)\n"
        "    print(device.allocations)\n"
        "print(fake.fake_live(), fake.fake_depth())"
    )
    assert run(code, libcuda).splitlines() == [
        "Fake GPU 8.7 5",
        "[263, 258, 258, 263, 258, 258] None",
        "1.5 True",
        "5",
        "0 0",
    ]


def test_a_kernel_gets_its_arguments_as_packed(libcuda):
    code = PROLOGUE + (
        "with open_device() as device:\n"
        "    stream, buffer, host = device.stream(), device.buffer(4), device.host((4,), 'u1')\n"
        "    kernel = device.module(b'kernels').kernel('add', 'Pi3s')\n"
        "    stream.launch(kernel, (2, 1, 1), (5, 1, 1), buffer.address, 3, b'\\x04..')\n"
        "    stream.download(host.array, buffer.address)\n"
        "    print(host.array.tolist())\n"
        "    for what in (lambda: device.module(b'other'),\n"
        "                 lambda: device.module(b'kernels').kernel('absent', 'P')):\n"
        "        try: what()\n"
        "        except SlsgError as error: print(error.what)\n"
        "print(fake.fake_live())"
    )
    first, other, absent, live, _ = run(code, libcuda).split("\n")
    assert first == "[14, 14, 14, 0]"
    assert other.startswith("Loading kernels failed on Fake GPU: ")
    assert absent.startswith("Finding absent failed on Fake GPU: ")
    assert live == "0"


GRAPH = PROLOGUE + (
    "with open_device() as device:\n"
    "    stream, buffer = device.stream(), device.buffer(4)\n"
    "    kernel = device.module(b'kernels').kernel('add', 'Pi3s')\n"
    "    def work(): stream.launch(kernel, (1, 1, 1), (1, 1, 1), buffer.address, 1, b'abc')\n"
    "    try:\n"
    "        graph = stream.capture(work)\n"
    "        for _ in range(3): stream.run(graph)\n"
    "    except SlsgError as error: print(error.what)\n"
    "    print(fake.fake_calls())\n"
    "print(fake.fake_live())"
)


def test_a_graph_is_captured_once_and_launched_often(libcuda):
    assert run(GRAPH, libcuda) == "3\n0\n"


def test_a_graph_that_the_driver_refuses_leaves_nothing_behind(libcuda):
    said, calls, live, _ = run(GRAPH, libcuda, FAKE_INSTANTIATE="801").split("\n")
    assert said == "Capturing a graph failed on Fake GPU: a fake error (CUDA error 801)."
    assert (calls, live) == ("0", "0")


def test_on_a_jetson_the_gpu_reads_the_hosts_memory(libcuda):
    code = PROLOGUE + (
        "with open_device() as device:\n"
        "    host = device.host((4,), np.uint8)\n"
        "    print(host.address == host.array.ctypes.data)"
    )
    assert run(code, libcuda, FAKE_JETSON="1") == "True\n"


def test_a_call_that_fails_later_is_a_cuda_error(libcuda):
    code = PROLOGUE + (
        "device = open_device()\n"
        "stream, event = device.stream(), device.event()\n"
        "stream.record(event)\n"
        "try: device.wait(event)\n"
        "except SlsgError as error: print(type(error).__name__, error.what)\n"
        "device.close()\n"
        "print(fake.fake_live())"
    )
    said, live, _ = run(code, libcuda, FAKE_QUERY="700").split("\n")
    assert said.startswith("CudaError Waiting for the GPU failed on Fake GPU: ")
    assert live == "0"
