"""What this machine has and lacks for training and for the line, and how to get it.

Imports no framework: a broken installation of one must not break the diagnosis of it.
"""

import ctypes
import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal, TypeAlias

from slsg_edge import __version__
from slsg_edge.machine import cpu_model, usable_cores

State: TypeAlias = Literal["ok", "missing", "warning"]

OLDEST, NEWEST = (3, 10), (3, 13)  # Python versions that the tests run on
_LITTLE = 2.0  # GB: `watch` stays under 0.7, and a system needs its own
_PATIENCE = 10  # seconds for nvidia-smi, which hangs with a broken driver
_DRIVER = "For training on a GPU and for TensorRT: apt install nvidia-driver"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked for; `how` says what to do where it is not ok."""

    name: str
    state: State
    found: str
    how: str = ""


def diagnose() -> tuple[Check, ...]:
    """Every check, in the order of a table for people."""
    return tuple(check() for check in CHECKS)


def _python() -> Check:
    found = f"{platform.python_version()} ({platform.python_implementation()})"
    if OLDEST <= tuple(map(int, platform.python_version_tuple()[:2])) <= NEWEST:
        return Check("Python", "ok", found)
    return Check("Python", "warning", found, "Tested with Python 3.10 to 3.13.")


def _package() -> Check:
    return Check("slsg-edge", "ok", __version__)


def _cpu() -> Check:
    return Check("CPU", "ok", f"{cpu_model()}, {usable_cores()} of {os.cpu_count()} cores")


def _memory() -> Check:
    info = Path("/proc/meminfo")
    if not info.exists():
        return Check("memory", "warning", "not known", "Only Linux tells.")
    fields = dict(line.split(":", 1) for line in info.read_text().splitlines())
    total, free = (int(fields[name].split()[0]) / 2**20 for name in ("MemTotal", "MemAvailable"))
    found = f"{total:.1f} GB, {free:.1f} GB available"
    if free < _LITTLE:
        return Check("memory", "warning", found, "Close other programs: watch needs 0.7 GB.")
    return Check("memory", "ok", found)


def _gpu() -> Check:
    tegra = Path("/etc/nv_tegra_release")
    if tegra.exists():
        return Check("GPU and driver", "ok", f"Jetson: {_first_line(tegra.read_text())}")
    query = "--query-gpu=name,driver_version,memory.total"
    listed = _output_of("nvidia-smi", query, "--format=csv,noheader")
    if listed:
        return Check("GPU and driver", "ok", "; ".join(listed.splitlines()))
    driver = Path("/proc/driver/nvidia/version")
    if driver.exists():
        found = _first_line(driver.read_text())
        return Check("GPU and driver", "warning", found, "nvidia-smi lists no GPU.")
    return Check("GPU and driver", "missing", "no NVIDIA GPU or no driver", _DRIVER)


def _cuda() -> Check:
    name = "nvcuda.dll" if platform.system() == "Windows" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(name)
    except OSError:
        return Check("CUDA driver", "missing", f"{name} cannot be loaded", _DRIVER)
    count, status = ctypes.c_int(), driver.cuInit(0)
    if status == 0:
        status = driver.cuDeviceGetCount(ctypes.byref(count))
    if status or not count.value:
        found = f"{name} loads, but reports error {status} and {count.value} devices"
        return Check("CUDA driver", "warning", found, "Reboot after installing the driver.")
    return Check("CUDA driver", "ok", f"{count.value} device(s)")


def _nvcc() -> Check:
    shown = _output_of("nvcc", "--version") or _output_of("/usr/local/cuda/bin/nvcc", "--version")
    release = [line for line in shown.splitlines() if "release" in line]
    if release:
        return Check("nvcc", "ok", release[0].strip())
    how = "Needed for building CUDA kernels only: apt install nvidia-cuda-toolkit"
    return Check("nvcc", "missing", "not found", how)


def _distribution(name: str, packages: tuple[str, ...], extra: str, purpose: str) -> Check:
    """The first of `packages` that is installed, by its metadata."""
    for package in packages:
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
        return Check(name, "ok", version if package == name else f"{package} {version}")
    return Check(name, "missing", "not installed", f"{purpose}: pip install 'slsg-edge[{extra}]'")


def _package_check(name: str, extra: str, purpose: str, *packages: str) -> Callable[[], Check]:
    return lambda: _distribution(name, packages or (name,), extra, purpose)


def _opencv() -> Check:
    try:
        import cv2
    except ModuleNotFoundError:
        how = "For images and cameras: pip install 'slsg-edge[line]'"
        return Check("OpenCV", "missing", "not installed", how)
    except ImportError as error:
        how = "Take opencv-python-headless, which needs no display; the other: apt install libgl1"
        return Check("OpenCV", "warning", str(error), how)
    return _opencv_built_with(cv2.__version__, cv2.getBuildInformation())


def _opencv_built_with(version: str, information: str) -> Check:
    has = {name: _enabled(information, name) for name in ("FFMPEG", "GStreamer")}
    found = ", ".join((version, *(f"{name} {'yes' if has[name] else 'no'}" for name in has)))
    if not has["FFMPEG"] and not has["GStreamer"]:
        how = "No videos and streams: pip install opencv-python-headless, which has FFMPEG."
        return Check("OpenCV", "warning", found, how)
    if not has["GStreamer"]:
        how = "GStreamer pipelines only with: apt install python3-opencv, or JetPack's OpenCV"
        return Check("OpenCV", "ok", found, how)
    return Check("OpenCV", "ok", found)


def _enabled(information: str, name: str) -> bool:
    lines = (line.partition(":") for line in information.splitlines())
    return any(key.strip() == name and value.strip().startswith("YES") for key, _, value in lines)


def _cameras() -> Check:
    return _cameras_in(Path("/dev"))


def _cameras_in(folder: Path) -> Check:
    devices = sorted(folder.glob("video*"))
    if not devices:
        how = "Connect a camera; a container needs --device /dev/video0. Not needed for URLs."
        return Check("cameras", "missing", "no /dev/video*", how)
    closed = [device.name for device in devices if not os.access(device, os.R_OK | os.W_OK)]
    found = ", ".join(device.name for device in devices)
    if closed:
        how = "sudo usermod -aG video $USER, then log in again"
        return Check("cameras", "warning", f"{found}; no access to {', '.join(closed)}", how)
    return Check("cameras", "ok", found)


def _output_of(*command: str) -> str:
    """Standard output, nothing when the program is missing, fails or hangs."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _first_line(text: str) -> str:
    return next(iter(text.splitlines()), "").strip()


CHECKS: tuple[Callable[[], Check], ...] = (
    _python,
    _package,
    _cpu,
    _memory,
    _package_check("onnxruntime", "cpu", "For watch on the CPU", "onnxruntime", "onnxruntime-gpu"),
    _opencv,
    _cameras,
    _package_check("torch", "train", "For train, export and import-slsg"),
    _package_check("onnx", "train", "For export"),
    _gpu,
    _cuda,
    _nvcc,
    _package_check("tensorrt", "tensorrt", "For engines on NVIDIA GPUs"),
    _package_check("tensorrt_rtx", "rtx", "For engines on RTX GPUs", "tensorrt-rtx"),
    _package_check("pycuda", "cuda", "For running engines"),
    _package_check("openvino", "openvino", "For Intel CPUs and GPUs"),
)
