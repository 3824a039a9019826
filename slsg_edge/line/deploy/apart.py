"""A bundle that is opened in a process of its own, so that it can harm nobody before it is trusted.

What crashes there, takes all the memory or never ends is a refusal here.
"""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Image, Outcome
from slsg_edge.errors import BundleError
from slsg_edge.line.settings.line import StationSettings

_OPENED = 300.0  # seconds: an engine may be compiled by its backend first
_LAST = 5.0  # seconds for a process that was told to end
_CHILD = "slsg_edge.line.deploy.child"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a bundle that opened says of itself, with the station's region."""

    backend: str
    threshold: float
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Answer:
    """To one frame. anomaly_map: None where it was not inspected. ms: what that took."""

    verdict: Outcome
    score: float | None
    threshold: float | None
    reason: str | None
    detail: str | None
    ms: float
    anomaly_map: NDArray[np.float32] | None


class Apart:
    """Open from the beginning: its golden frames have passed the detector in the child.

    Raises BundleError, with what the child said, where they did not, or it did not open in time.
    """

    def __init__(self, bundle: Path, station: StationSettings, patience: float = _OPENED) -> None:
        self._bundle = bundle
        self._process = subprocess.Popen(
            [sys.executable, "-m", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._say(_setup(bundle, station))
            self.facts = self._opened(patience)
        except BaseException:
            self.close()
            raise

    def judge(self, frame: Image, patience: float) -> Answer:
        """BundleError where the child ended, or took longer than `patience` seconds."""
        try:
            with self._watched(patience):
                self._say({"shape": list(frame.shape)}, np.ascontiguousarray(frame).tobytes())
                table = self._heard()
                anomaly_map = self._map(table.pop("map"))
        except (OSError, ValueError) as error:
            raise self._lost() from error
        return Answer(**table, anomaly_map=anomaly_map)

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                stream and stream.close()
        try:
            self._process.wait(_LAST)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _opened(self, patience: float) -> Facts:
        try:
            with self._watched(patience):
                table = self._heard()
        except (OSError, ValueError) as error:
            raise self._lost() from error
        if "error" in table:
            raise BundleError(table["error"], fix=table["fix"] or "Give another bundle.")
        return Facts(**table)

    def _watched(self, patience: float) -> "_Watched":
        return _Watched(self._process, patience)

    def _say(self, table: Mapping[str, Any], more: bytes = b"") -> None:
        stream = self._process.stdin
        assert stream is not None
        with suppress(BrokenPipeError):  # what it said before it ended says why
            stream.write(json.dumps(table).encode() + b"\n" + more)
            stream.flush()

    def _heard(self) -> dict[str, Any]:
        stream = self._process.stdout
        assert stream is not None
        return cast("dict[str, Any]", json.loads(stream.readline()))

    def _map(self, shape: list[int] | None) -> NDArray[np.float32] | None:
        stream = self._process.stdout
        if shape is None or stream is None:
            return None
        content = stream.read(int(np.prod(shape)) * 4)
        return np.frombuffer(content, np.float32).reshape(shape)

    def _lost(self) -> BundleError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST)
        code = self._process.returncode
        how = f"was ended by {_signal(-code)}" if code is not None and code < 0 else "ended"
        return BundleError(
            f"{self._bundle}: the process that ran it for a trial {how}.",
            fix="Run `slsg-edge verify` on the bundle here; check the memory of this machine.",
        )


class _Watched:
    """Kills the child when the block takes longer than `patience` seconds."""

    def __init__(self, process: "subprocess.Popen[bytes]", patience: float) -> None:
        self._timer = threading.Timer(patience, process.kill)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _setup(bundle: Path, station: StationSettings) -> dict[str, Any]:
    return {
        "bundle": str(bundle),
        "roi": station.roi,
        "any_size": station.any_size,
        "backend": station.backend,
    }


def _signal(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
