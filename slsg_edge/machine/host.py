"""The computer that this runs on, as far as numbers and advice depend on it."""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.machine import limits
from slsg_edge.machine.versions import tool_versions

_EXACT_INT8 = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})


@dataclass(frozen=True, slots=True)
class Machine:
    """What the numbers were measured on."""

    cpu: str
    cores: int
    system: str
    versions: dict[str, str]


def machine() -> Machine:
    """This computer and the versions of what computes on it."""
    return Machine(
        cpu=cpu_model(),
        cores=usable_cores(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        versions=tool_versions("onnxruntime", "openvino", "opencv-python-headless", "pycuda"),
    )


def cpu_model() -> str:
    """The CPU's own name; the architecture where the system does not tell."""
    return _cpu_info("model name") or platform.processor() or platform.machine()


def multiplies_int8_exactly() -> bool:
    """Whether sums of INT8 products are exact here, as they are with VNNI or AMX.

    An x86 CPU without them adds two products in 16 bits, which saturate without a word. True where
    the system does not tell.
    """
    flags = _cpu_info("flags").split()
    return not flags or not _EXACT_INT8.isdisjoint(flags)


def _cpu_info(name: str) -> str:
    """Of the first CPU; only x86 has `flags`."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(errors="replace").splitlines() if info.exists() else []
    entries = (line.partition(":") for line in lines)
    return next((value.strip() for key, _, value in entries if key.strip() == name), "")


def usable_cores() -> int:
    """Fewer than there are under taskset, and in a container that may use only some or so much."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(cores, limits.cores() or cores)


def cores_given() -> int | None:
    """Of a process that may not use all that there are; None where a library may count itself.

    ONNX Runtime counts those of the machine: its threads then wait for each other.
    """
    usable = usable_cores()
    return usable if usable < (os.cpu_count() or 1) else None


def within_cores(asked: int) -> int:
    """So many threads or processes as asked for, at most one for each usable core.

    More of them compute nothing sooner, and very many take every process that the system allows.
    """
    return min(asked, usable_cores())


def wait_without_spinning() -> None:
    """Has OpenMP threads sleep while they wait, unless OMP_WAIT_POLICY says otherwise.

    To be called before PyTorch is imported, which reads it then. Threads that spin take the cores
    from whatever else runs: two trainings side by side on two cores wait for each other.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def cache_folder() -> Path | None:
    """Where this user keeps what can be made again; None for an account without a home.

    A relative or empty XDG_CACHE_HOME counts as none, as the XDG rules have it: else a cache grew
    in whatever folder a command is given in.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        return (named if named.is_absolute() else Path.home() / ".cache") / "slsg-edge"
    except RuntimeError:
        return None


def memory_mb() -> tuple[float, float] | None:
    """All that this process may use and what is available; None where the system does not tell."""
    info = Path("/proc/meminfo")
    if not info.exists():
        return None
    fields = dict(line.split(":", 1) for line in info.read_text().splitlines())
    total, free = (int(fields[name].split()[0]) / 1024 for name in ("MemTotal", "MemAvailable"))
    limit = limits.memory_mb() or total
    return min(total, limit), min(free, limit)


def peak_mb() -> float:
    """The largest resident size of this process so far; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss would inherit the size of whoever started the process
        (peak,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024
    if sys.platform == "win32":
        return 0.0
    import resource

    peak_rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak_rss / (2**20 if sys.platform == "darwin" else 1024)


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """For what is timed by the process's own clock, which adds up threads."""
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
