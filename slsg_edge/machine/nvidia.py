"""The NVIDIA driver and its first GPU, asked through ctypes.

Knows nothing about TensorRT or PyCUDA, and must be asked before either is given work: some
TensorRT runtimes crash where there is no driver.
"""

import ctypes
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.errors import CudaError

DRIVER = "nvcuda.dll" if platform.system() == "Windows" else "libcuda.so.1"
INSTALL_DRIVER = (
    "For training on an NVIDIA GPU and for TensorRT: sudo ubuntu-drivers install, or on Debian "
    "sudo apt install nvidia-driver"
)

_MAJOR, _MINOR, _INTEGRATED = 75, 76, 18  # CUdevice_attribute
_NAME_LENGTH = 256
_RELEASE = Path("/etc/nv_tegra_release")
_KERNEL_MODULE = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True, slots=True)
class Gpu:
    """The first GPU.

    name: as the driver calls it
    compute_capability: as in `8.7`
    cuda: the newest CUDA that the driver runs
    driver: its version; None where the system does not tell
    l4t: the version of Jetson Linux; None elsewhere
    """

    name: str
    compute_capability: str
    cuda: str
    driver: str | None = None
    l4t: str | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.compute_capability})"


def gpu_count() -> int:
    """At least 1; CudaError says what is missing. Its cause is an OSError without a driver."""
    driver, count = _initialised(), ctypes.c_int()
    status = driver.cuDeviceGetCount(ctypes.byref(count))
    if status or not count.value:
        raise _unusable(status, count.value)
    return count.value


def first_gpu() -> Gpu:
    """The GPU that engines are built for and run on; CudaError where there is none."""
    gpu_count()
    driver, device, version = _initialised(), ctypes.c_int(), ctypes.c_int()
    name = ctypes.create_string_buffer(_NAME_LENGTH)
    driver.cuDeviceGet(ctypes.byref(device), 0)
    driver.cuDeviceGetName(name, _NAME_LENGTH, device)
    driver.cuDriverGetVersion(ctypes.byref(version))
    return Gpu(
        name=name.value.decode(errors="replace"),
        compute_capability=".".join(str(_attribute(driver, n, device)) for n in (_MAJOR, _MINOR)),
        cuda=f"{version.value // 1000}.{version.value % 1000 // 10}",
        driver=_driver_version(),
        l4t=l4t(),
    )


def shares_memory() -> bool:
    """Whether the first GPU and the CPU have one memory, as on a Jetson; CudaError without one."""
    gpu_count()
    driver, device = _initialised(), ctypes.c_int()
    driver.cuDeviceGet(ctypes.byref(device), 0)
    return bool(_attribute(driver, _INTEGRATED, device))


def l4t() -> str | None:
    """`36.4.0` on a Jetson, None elsewhere."""
    text = _RELEASE.read_text(errors="replace") if _RELEASE.exists() else ""
    release = re.search(r"R(\d+).*?REVISION:\s*([\d.]+)", text)
    return f"{release[1]}.{release[2]}" if release else None


def _initialised() -> ctypes.CDLL:
    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError as error:
        raise CudaError(f"{DRIVER} cannot be loaded.", fix=INSTALL_DRIVER) from error
    if status := driver.cuInit(0):
        raise _unusable(status, 0)
    return driver


def _unusable(status: int, devices: int) -> CudaError:
    return CudaError(
        f"{DRIVER} loads, but reports error {status} and {devices} devices.",
        fix="Reboot after installing the driver.",
    )


def _attribute(driver: ctypes.CDLL, number: int, device: ctypes.c_int) -> int:
    value = ctypes.c_int()
    driver.cuDeviceGetAttribute(ctypes.byref(value), number, device)
    return value.value


def _driver_version() -> str | None:
    text = _KERNEL_MODULE.read_text(errors="replace") if _KERNEL_MODULE.exists() else ""
    version = re.search(r"\b\d{3}\.\d+(\.\d+)?\b", text)
    return version[0] if version else None
