"""How long a line takes to notice that a camera is gone, and that it is back."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.bench.camera import BenchCamera
from slsg_edge.bench.running import QUIET, Verdicts, running_line, station_text
from slsg_edge.errors import CameraError
from slsg_edge.line.records import Record

_RATE = 20.0  # pictures a second
_PATIENCE = 60.0  # seconds for whatever is waited for
_SETTLES = 1.0  # seconds of verdicts before the next fault


@dataclass(frozen=True, slots=True)
class CameraFaults:
    """Seconds, the median and the longest. pulled: from a cable that is pulled to a durable
    `undecided`. killed: from a camera that loses its power to that. back: from a camera that
    listens again to a durable verdict on its picture.
    """

    pulled: tuple[float, float]
    killed: tuple[float, float]
    back: tuple[float, float]


def camera_faults(bundle: Path, repeats: int) -> CameraFaults:
    """CameraError where no verdict comes within a minute."""
    with BenchCamera(bundle, _RATE) as camera:
        text = QUIET + station_text("camera", camera.url, bundle)
        with running_line(text) as verdicts:
            rounds = [_round(camera, verdicts) for _ in range(repeats)]
    pulled, killed, back = (_median_and_longest(list(kind)) for kind in zip(*rounds, strict=True))
    return CameraFaults(pulled, killed, back)


def _round(camera: BenchCamera, verdicts: Verdicts) -> tuple[float, float, float]:
    _inspected(verdicts)
    at = time.monotonic()
    camera.pull()
    pulled = _undecided(verdicts, at)
    camera.plug_in()
    _inspected(verdicts)
    at = time.monotonic()
    camera.kill()
    killed = _undecided(verdicts, at)
    listens = camera.start()
    return pulled, killed, _since(verdicts, _is_inspected, listens)


def _inspected(verdicts: Verdicts) -> None:
    """Waits until the camera's pictures are inspected, and have been for a while."""
    _since(verdicts, _is_inspected, time.monotonic())
    time.sleep(_SETTLES)


def _undecided(verdicts: Verdicts, at: float) -> float:
    return _since(verdicts, lambda record: record.verdict == "undecided", at)


def _is_inspected(record: Record) -> bool:
    return record.score is not None


def _since(verdicts: Verdicts, fits: Callable[[Record], bool], at: float) -> float:
    found = verdicts.wait(fits, _PATIENCE, after=at)
    if found is None:
        raise CameraError(
            f"The line gave no such verdict within {_PATIENCE:g} s.",
            fix="Run the command again on a quiet machine.",
        )
    return found[1] - at


def _median_and_longest(seconds: list[float]) -> tuple[float, float]:
    return statistics.median(seconds), max(seconds)
