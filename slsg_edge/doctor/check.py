"""One thing that `doctor` looks for, and how it asks other programs.

Knows nothing about what is looked for.
"""

import subprocess
from dataclasses import dataclass
from importlib import metadata
from typing import Literal, TypeAlias

Availability: TypeAlias = Literal["ok", "missing", "warning"]

_PATIENCE = 10  # seconds for nvidia-smi, which hangs with a broken driver


@dataclass(frozen=True, slots=True)
class MachineCheck:
    """What was looked for on this machine.

    name: of what was looked for
    state: whether it is here and usable
    found: a version, a device, or what is wrong
    how: what to do where it is not ok
    """

    name: str
    state: Availability
    found: str
    how: str = ""


def output_of(*command: str) -> str:
    """Standard output, nothing when the program is missing, fails or hangs."""
    done = _run(command)
    return done.stdout.strip() if done and done.returncode == 0 else ""


def failure_of(*command: str) -> str:
    """The last line that a failing program wrote to its standard error, nothing on success."""
    done = _run(command)
    if done is None:
        return f"{command[0]} does not answer"
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return lines[-1].strip() if done.returncode else ""


def first_line(text: str) -> str:
    return next(iter(text.splitlines()), "").strip()


def installed_version(*packages: str) -> tuple[str, str] | None:
    """Name and version of the first of `packages` that is installed, by its metadata."""
    for package in packages:
        try:
            return package, metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return None


def _run(command: tuple[str, ...]) -> "subprocess.CompletedProcess[str] | None":
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
