"""What a container is allowed, as by `docker run --cpus 2 --memory 4g`: Linux control groups.

The system counts the whole machine's cores and memory to whoever asks, so that a program starts
threads that are then held back, and takes memory until it is killed.
"""

import math
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")  # as a container sees its own
_UNLIMITED = 2**60  # bytes: version 1 writes a number near 2^63 for no limit


def cores() -> int | None:
    """Whole cores' worth of time, rounded up; None without a limit."""
    newer = _numbers("cpu.max")  # quota and period, in microseconds
    older = [_numbers(f"cpu/cpu.cfs_{part}_us") for part in ("quota", "period")]
    quota, period = newer or [part[0] if part else 0 for part in older]
    return math.ceil(quota / period) if quota > 0 and period > 0 else None


def memory_mb() -> float | None:
    """None without a limit."""
    given = _numbers("memory.max") or _numbers("memory/memory.limit_in_bytes")
    return given[0] / 2**20 if given and given[0] < _UNLIMITED else None


def _numbers(name: str) -> tuple[int, ...] | None:
    """None for a file that is not there, or holds a word, as `max`."""
    try:
        return tuple(map(int, (CONTROL_GROUPS / name).read_text().split()))
    except (OSError, ValueError):
        return None
