"""What `doctor` looks for on a machine with an NVIDIA GPU, a Jetson in particular.

Imports neither PyCUDA nor TensorRT: PyCUDA is tried in a process of its own. Where the versions of
JetPack come from is in docs/jetson.md.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from slsg_edge.doctor.check import (
    Availability,
    MachineCheck,
    failure_of,
    first_line,
    installed_version,
    output_of,
)
from slsg_edge.errors import CudaError
from slsg_edge.machine.nvidia import INSTALL_DRIVER, Gpu, first_gpu, gpu_count, l4t, shares_memory
from slsg_edge.machine.tensorrt import OLDEST_TENSORRT, REFUSED_TENSORRT
from slsg_edge.runtime.gpu.compilation import compiler_for
from slsg_edge.runtime.gpu.compilers import Compiler
from slsg_edge.runtime.gpu.compilers import installed as installed_compilers

_JETPACKS = {35: "5", 36: "6", 38: "7", 39: "7"}  # by the major version of Jetson Linux
_OLDEST_JETPACK = 36
_VENV = "In a virtual environment only with: python3 -m venv --system-site-packages"
_DECODER = "nvv4l2decoder"


def gpu() -> MachineCheck:
    name = "GPU and driver"
    if linux := l4t():
        return MachineCheck(name, "ok", f"Jetson Linux {linux}")
    query = "--query-gpu=name,driver_version,memory.total"
    if listed := output_of("nvidia-smi", query, "--format=csv,noheader"):
        return MachineCheck(name, "ok", "; ".join(listed.splitlines()))
    driver = Path("/proc/driver/nvidia/version")
    if driver.exists():
        found = first_line(driver.read_text())
        return MachineCheck(name, "warning", found, "nvidia-smi lists no GPU.")
    return MachineCheck(name, "missing", "no NVIDIA GPU or no driver", INSTALL_DRIVER)


def jetpack() -> MachineCheck | None:
    """Nothing to say of other machines."""
    linux = l4t()
    return _jetpack_of(linux, _package("nvidia-jetpack")) if linux else None


def cuda_driver() -> MachineCheck:
    name = "CUDA driver"
    try:
        found = f"{gpu_count()} device(s), CUDA {first_gpu().cuda}"
        if shares_memory():
            found += ", memory shared with the CPU: frames are not uploaded"
        return MachineCheck(name, "ok", found)
    except CudaError as error:
        state: Availability = "missing" if isinstance(error.__cause__, OSError) else "warning"
        return MachineCheck(name, state, error.what, error.fix)


def cuda_toolkit() -> MachineCheck:
    shown = output_of("nvcc", "--version") or output_of("/usr/local/cuda/bin/nvcc", "--version")
    try:
        driver = first_gpu().cuda
    except CudaError:
        driver = None
    return _toolkit_of(shown, driver, on_jetson=l4t() is not None)


def kernel_compiler() -> MachineCheck | None:
    """Nothing to say where there is no GPU to compile for."""
    try:
        return _compiler_of(first_gpu(), installed_compilers())
    except CudaError:
        return None


def tensorrt() -> MachineCheck:
    package = installed_version("tensorrt", "tensorrt-lean", "tensorrt-dispatch")
    return _tensorrt_of(package, on_jetson=l4t() is not None)


def pycuda() -> MachineCheck:
    package = installed_version("pycuda")
    if package is None:
        how = "For running engines; it is compiled, see docs/jetson.md: pip install pycuda"
        return MachineCheck("pycuda", "missing", "not installed", how)
    return _pycuda_of(package[1], failure_of(sys.executable, "-c", "import pycuda.driver"))


def video_decoder() -> MachineCheck | None:
    """GStreamer's way to a Jetson's decoder; nothing to say of other machines."""
    if not l4t():
        return None
    if output_of("gst-inspect-1.0", _DECODER):
        return MachineCheck("video decoder", "ok", _DECODER)
    how = "sudo apt install gstreamer1.0-tools; a container needs Jetson Linux's own plugins."
    return MachineCheck("video decoder", "missing", f"GStreamer has no {_DECODER}", how)


def _jetpack_of(linux: str, package: str) -> MachineCheck:
    major = int(linux.partition(".")[0])
    named = package or _JETPACKS.get(major, "unknown")
    found = f"JetPack {named}, Jetson Linux {linux}"
    if major < _OLDEST_JETPACK:
        how = "Flash JetPack 6 or 7: older ones have no TensorRT 10."
        return MachineCheck("JetPack", "warning", found, how)
    if not package:
        how = "CUDA and TensorRT come with: sudo apt install nvidia-jetpack"
        return MachineCheck("JetPack", "warning", f"{found}, only the base system", how)
    return MachineCheck("JetPack", "ok", found)


def _toolkit_of(shown: str, driver: str | None, *, on_jetson: bool) -> MachineCheck:
    """`shown` is what nvcc says of itself; `driver` the newest CUDA that the driver runs."""
    release = re.search(r"release (\d+)\.(\d+)", shown)
    if release is None:
        package = "cuda-toolkit from JetPack" if on_jetson else "nvidia-cuda-toolkit"
        how = f"For building PyCUDA and CUDA kernels: apt install {package}"
        return MachineCheck("CUDA toolkit", "missing", "no nvcc", how)
    version = f"{release[1]}.{release[2]}"
    if driver is None:
        return MachineCheck("CUDA toolkit", "ok", version)
    found = f"{version}, the driver runs up to {driver}"
    if int(release[1]) > int(driver.partition(".")[0]):
        how = f"What it compiles does not load: update the driver, or install CUDA {driver}."
        return MachineCheck("CUDA toolkit", "warning", found, how)
    return MachineCheck("CUDA toolkit", "ok", found)


def _compiler_of(gpu: Gpu, compilers: Iterable[Compiler]) -> MachineCheck:
    try:
        return MachineCheck("kernel compiler", "ok", compiler_for(gpu, compilers).name)
    except CudaError as error:
        how = f"Without one the CPU prepares frames. {error.fix}"
        return MachineCheck("kernel compiler", "missing", error.what, how)


def _tensorrt_of(found: tuple[str, str] | None, *, on_jetson: bool) -> MachineCheck:
    if found is None:
        pip = "pip install 'slsg-edge[tensorrt]'"
        how = f"sudo apt install python3-libnvinfer. {_VENV}" if on_jetson else pip
        return MachineCheck(
            "tensorrt", "missing", "not installed", f"For engines on NVIDIA GPUs: {how}"
        )
    package, version = found
    shown = version if package == "tensorrt" else f"{package} {version}"
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers in REFUSED_TENSORRT:
        return MachineCheck(
            "tensorrt", "warning", f"{shown}: {REFUSED_TENSORRT[numbers]}", "Install 10.3 or later."
        )
    if numbers < OLDEST_TENSORRT:
        return MachineCheck("tensorrt", "warning", f"{shown} is too old", "Install 10.3 or later.")
    return MachineCheck("tensorrt", "ok", shown)


def _pycuda_of(version: str, failure: str) -> MachineCheck:
    if not failure:
        return MachineCheck("pycuda", "ok", version)
    if "libcuda" in failure:
        return MachineCheck("pycuda", "warning", f"{version}, but {failure}", INSTALL_DRIVER)
    how = "Build it again here: pip install --force-reinstall --no-cache-dir pycuda"
    return MachineCheck("pycuda", "warning", f"{version}, but {failure}", how)


def _package(name: str) -> str:
    """The version of a Debian package, nothing where it is not installed."""
    return output_of("dpkg-query", "--show", "--showformat=${Version}", name)
