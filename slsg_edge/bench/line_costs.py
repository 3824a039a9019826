"""What a line takes of the machine: memory of each further station, and time while it waits."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.bench.camera import BenchCamera
from slsg_edge.bench.running import QUIET, station_text
from slsg_edge.errors import CameraError

_RATE = 2.0  # pictures a second of each camera: memory is asked for, not speed
_PATIENCE = 120.0  # seconds until every station has given its verdicts
_VERDICTS = 5  # of each station, before memory is looked at
_SETTLES = 6.0  # seconds after the cameras went: the longest pause between two attempts
_IDLE = 20.0  # seconds
_LOOK_EVERY = 0.1
_CLOCK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True, slots=True)
class LineCosts:
    """megabytes: of the processes of a line with one camera, shared memory counted by share.
    further: of each further camera on the same bundle. idle: the share of a core that a line with
    one camera takes while that is gone.
    """

    megabytes: float
    further: float
    idle: float


def line_costs(bundle: Path, stations: int) -> LineCosts:
    """CameraError where a station gives no verdict in two minutes. Linux only."""
    with _line(bundle, 1) as (process, cameras):
        one = _megabytes(process)
        for camera in cameras:
            camera.kill()
        idle = _idle(process)
    with _line(bundle, stations) as (process, _):
        more = _megabytes(process)
    return LineCosts(one, (more - one) / (stations - 1), idle)


@contextmanager
def _line(bundle: Path, stations: int) -> Iterator[tuple[int, list[BenchCamera]]]:
    """The process of a line as `watch` runs it, once every station has given its verdicts."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slsg-edge-bench-")))
        cameras = [stack.enter_context(BenchCamera(bundle, _RATE)) for _ in range(stations)]
        line, told = folder / "line.toml", folder / "verdicts.jsonl"
        tables = [station_text(f"s{at}", one.url, bundle) for at, one in enumerate(cameras)]
        line.write_text(f'{QUIET}[[json_lines]]\npath = "{told}"\n{"".join(tables)}')
        command = [sys.executable, "-m", "slsg_edge", "watch", str(line)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(_end, process)
        _wait(told, stations, process)
        yield process.pid, cameras


def _wait(told: Path, stations: int, process: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + _PATIENCE
    while sum(count >= _VERDICTS for count in _inspected(told).values()) < stations:
        if time.monotonic() > ends or process.poll() is not None:
            raise CameraError(
                f"A station of the line gave no {_VERDICTS} verdicts within {_PATIENCE:g} s.",
                fix="Run `slsg-edge verify` on the bundle.",
            )
        time.sleep(_LOOK_EVERY)


def _inspected(told: Path) -> Counter[str]:
    """How many frames of each station."""
    lines = told.read_text().splitlines(keepends=True) if told.exists() else []
    records = [json.loads(line) for line in lines if line.endswith("\n")]
    return Counter(one["station"] for one in records if one["score"] is not None)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _idle(process: int) -> float:
    time.sleep(_SETTLES)
    before, at = _seconds(process), time.monotonic()
    time.sleep(_IDLE)
    return (_seconds(process) - before) / (time.monotonic() - at)


def _megabytes(process: int) -> float:
    """Of a process and its children, memory that several share counted by share."""
    kilobytes = 0
    for one in _family(process):
        with suppress(OSError):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


def _seconds(process: int) -> float:
    """Of processor time, of a process and its children, also of those that have ended."""
    ticks = 0
    for one in _family(process):
        with suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / _CLOCK


def _family(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task").glob("*/children")
    found = [process]
    for listed in children:
        with suppress(OSError):
            for child in listed.read_text().split():
                found += _family(int(child))
    return found
