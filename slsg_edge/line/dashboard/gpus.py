"""Clock, heat and throttling of NVIDIA GPUs, as nvidia-smi tells them.

It may take seconds or hang with a broken driver, so it is asked in a thread of its own, now and
then while somebody wants to know, and never waited for.
"""

import shutil
import subprocess
import threading
import time
from dataclasses import dataclass

_EVERY = 15.0  # seconds
_PATIENCE = 10.0
_FIELDS = "index,name,clocks.sm,temperature.gpu,clocks_throttle_reasons.active"
# Of the reasons: power cap, slowdown of the hardware, heat (software, hardware), power brake.
_HELD_BACK = 0x4 | 0x8 | 0x20 | 0x40 | 0x80


@dataclass(frozen=True, slots=True)
class Gpu:
    """None for what it does not tell."""

    name: str
    clock_hertz: float | None
    celsius: float | None
    throttled: bool | None


class Gpus:
    """What was last told; nothing where there is no nvidia-smi."""

    def __init__(self, program: str = "nvidia-smi") -> None:
        self._program = shutil.which(program)
        self._lock = threading.Lock()
        self._asked: float | None = None
        self._known: list[Gpu] = []

    def __call__(self) -> list[Gpu]:
        with self._lock:
            due = self._asked is None or time.monotonic() - self._asked > _EVERY
            if self._program and due:
                self._asked = time.monotonic()
                threading.Thread(target=self._ask, name="gpus", daemon=True).start()
            return self._known

    def _ask(self) -> None:
        command = [str(self._program), f"--query-gpu={_FIELDS}", "--format=csv,noheader,nounits"]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_PATIENCE, check=True
            )
        except (OSError, subprocess.SubprocessError):
            found = []
        else:
            found = [gpu for line in done.stdout.splitlines() if (gpu := gpu_of(line))]
        with self._lock:
            self._known = found


def gpu_of(line: str) -> Gpu | None:
    """One line of the answer; None for what is not one."""
    words = [word.strip() for word in line.split(",")]
    if len(words) != len(_FIELDS.split(",")):
        return None
    clock, reasons = _number(words[2]), _bits(words[4])
    return Gpu(
        f"{words[0]} {words[1]}",
        None if clock is None else clock * 1e6,
        _number(words[3]),
        None if reasons is None else bool(reasons & _HELD_BACK),
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # [N/A]
        return None


def _bits(text: str) -> int | None:
    try:
        return int(text, 16)
    except ValueError:
        return None
