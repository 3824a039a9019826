"""What this machine has and lacks for training and for the line, and how to get it.

Imports no framework: a broken installation of one must not break the diagnosis of it.
"""

import os
import platform
from collections.abc import Callable
from pathlib import Path

from slsg_edge import __version__
from slsg_edge.doctor import nvidia as nvidia_checks
from slsg_edge.doctor.check import MachineCheck, installed_version
from slsg_edge.doctor.trust import trust
from slsg_edge.machine.host import cpu_model, memory_mb, usable_cores

OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 13)  # Python versions that the tests run on
_LITTLE = 2.0  # GB: `watch` stays under 0.7, and a system needs its own


def diagnose() -> tuple[MachineCheck, ...]:
    """Every check, in the order of a table for people."""
    return tuple(filter(None, (check() for check in CHECKS)))


def _python() -> MachineCheck:
    found = f"{platform.python_version()} ({platform.python_implementation()})"
    if OLDEST_PYTHON <= tuple(map(int, platform.python_version_tuple()[:2])) <= NEWEST_PYTHON:
        return MachineCheck("Python", "ok", found)
    return MachineCheck("Python", "warning", found, "Tested with Python 3.10 to 3.13.")


def _package() -> MachineCheck:
    return MachineCheck("slsg-edge", "ok", __version__)


def _cpu() -> MachineCheck:
    return MachineCheck("CPU", "ok", f"{cpu_model()}, {usable_cores()} of {os.cpu_count()} cores")


def _memory() -> MachineCheck:
    memory = memory_mb()
    if memory is None:
        return MachineCheck("memory", "warning", "not known", "Only Linux tells.")
    total, free = (megabytes / 1024 for megabytes in memory)
    found = f"{total:.1f} GB, {free:.1f} GB available"
    if free < _LITTLE:
        return MachineCheck("memory", "warning", found, "Close other programs: watch needs 0.7 GB.")
    return MachineCheck("memory", "ok", found)


def _distribution(name: str, packages: tuple[str, ...], extra: str, purpose: str) -> MachineCheck:
    """The first of `packages` that is installed, by its metadata."""
    found = installed_version(*packages)
    if found is None:
        how = f"{purpose}: pip install 'slsg-edge[{extra}]'"
        return MachineCheck(name, "missing", "not installed", how)
    package, version = found
    return MachineCheck(name, "ok", version if package == name else f"{package} {version}")


def _package_check(
    name: str, extra: str, purpose: str, *packages: str
) -> Callable[[], MachineCheck]:
    return lambda: _distribution(name, packages or (name,), extra, purpose)


def _simplejpeg() -> MachineCheck:
    found = installed_version("simplejpeg")
    if found is None:
        how = "Without it most damaged JPEG passes as whole: pip install simplejpeg"
        return MachineCheck("simplejpeg", "warning", "not installed", how)
    return MachineCheck("simplejpeg", "ok", found[1])


def _opencv() -> MachineCheck:
    try:
        import cv2
    except ModuleNotFoundError:
        how = "For images and cameras: pip install 'slsg-edge[line]'"
        return MachineCheck("OpenCV", "missing", "not installed", how)
    except ImportError as error:
        how = "Take opencv-python-headless, which needs no display; the other: apt install libgl1"
        return MachineCheck("OpenCV", "warning", str(error), how)
    return _opencv_built_with(cv2.__version__, cv2.getBuildInformation())


def _opencv_built_with(version: str, information: str) -> MachineCheck:
    has = {name: _enabled(information, name) for name in ("FFMPEG", "GStreamer")}
    found = ", ".join((version, *(f"{name} {'yes' if has[name] else 'no'}" for name in has)))
    if not has["FFMPEG"] and not has["GStreamer"]:
        how = "No videos and streams: pip install opencv-python-headless, which has FFMPEG."
        return MachineCheck("OpenCV", "warning", found, how)
    if not has["GStreamer"]:
        how = "GStreamer pipelines only with: apt install python3-opencv, or JetPack's OpenCV"
        return MachineCheck("OpenCV", "ok", found, how)
    return MachineCheck("OpenCV", "ok", found)


def _enabled(information: str, name: str) -> bool:
    lines = (line.partition(":") for line in information.splitlines())
    return any(key.strip() == name and value.strip().startswith("YES") for key, _, value in lines)


def _cameras() -> MachineCheck:
    return _cameras_in(Path("/dev"))


def _cameras_in(folder: Path) -> MachineCheck:
    devices = sorted(folder.glob("video*"))
    if not devices:
        how = "Connect a camera; a container needs --device /dev/video0. Not needed for URLs."
        return MachineCheck("cameras", "missing", "no /dev/video*", how)
    closed = [device.name for device in devices if not os.access(device, os.R_OK | os.W_OK)]
    found = ", ".join(device.name for device in devices)
    if closed:
        how = "sudo usermod -aG video $USER, then log in again"
        return MachineCheck("cameras", "warning", f"{found}; no access to {', '.join(closed)}", how)
    return MachineCheck("cameras", "ok", found)


CHECKS: tuple[Callable[[], MachineCheck | None], ...] = (
    _python,
    _package,
    _cpu,
    _memory,
    _package_check("onnxruntime", "cpu", "For watch on the CPU", "onnxruntime", "onnxruntime-gpu"),
    _opencv,
    _package_check("PyAV", "line", "For streams and films whose damage is told", "av"),
    _simplejpeg,
    _cameras,
    trust,
    _package_check("cryptography", "cpu", "For signed bundles"),
    _package_check("torch", "train", "For train, export and import-slsg"),
    _package_check("onnx", "train", "For export"),
    nvidia_checks.gpu,
    nvidia_checks.jetpack,
    nvidia_checks.cuda_driver,
    nvidia_checks.cuda_toolkit,
    nvidia_checks.kernel_compiler,
    nvidia_checks.tensorrt,
    _package_check("tensorrt_rtx", "rtx", "For engines on RTX GPUs", "tensorrt-rtx"),
    nvidia_checks.pycuda,
    nvidia_checks.video_decoder,
    _package_check("openvino", "openvino", "For Intel CPUs and GPUs"),
)
