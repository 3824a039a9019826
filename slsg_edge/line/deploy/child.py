"""A bundle in a process of its own, of low priority: opened, then asked for verdicts.

Run as `python -m slsg_edge.line.deploy.child`. The first line on stdin says what to open, and the
first on stdout what came of it. Then for each frame a line of JSON with its shape and its bytes;
the answer is a line of JSON, and the bytes of its anomaly map where there is one. It ends with
its stdin.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from slsg_edge.contracts import Image
from slsg_edge.errors import SlsgError
from slsg_edge.line.service.detectors import Detectors
from slsg_edge.line.settings.line import StationSettings
from slsg_edge.runtime.judged import Judged
from slsg_edge.runtime.reasons import described, one_line

# Of nice. It must open within the deadline of its golden frames also where all cores are busy;
# after that it computes when nobody else does.
_LOW, _LOWEST = 10, 19


def main() -> None:
    asked, answers = _streams()
    _step_back(_LOW)
    settings = json.loads(asked.readline())
    try:
        judged = _opened(settings)
    except Exception as error:  # whatever it is, the bundle is not fit
        _answer(answers, {"error": _said(error), "fix": getattr(error, "fix", "")})
        return
    _step_back(_LOWEST)
    with judged:
        _answer(answers, _facts(judged))
        while line := asked.readline():
            _judge(judged, _frame(asked, json.loads(line)["shape"]), answers)


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """What a library prints must not stand between the answers."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return sys.stdin.buffer, answers


def _step_back(niceness: int) -> None:
    if hasattr(os, "nice"):
        os.nice(max(0, niceness - os.nice(0)))


def _opened(settings: Mapping[str, Any]) -> Judged:
    roi = settings["roi"]
    station = StationSettings(
        "candidate",
        "test:",
        Path(settings["bundle"]),
        roi=None if roi is None else tuple(roi),
        any_size=settings["any_size"],
        backend=settings["backend"],
    )
    return Detectors(1, threads=1).open(station).judged


def _facts(judged: Judged) -> dict[str, Any]:
    backend = judged.choice.backend if judged.choice else ""
    threshold = judged.threshold.value
    return {"backend": backend, "threshold": threshold, "fingerprint": judged.fingerprint}


def _frame(asked: BinaryIO, shape: list[int]) -> Image:
    size = int(np.prod(shape))
    return np.frombuffer(asked.read(size), np.uint8).reshape(shape)


def _judge(judged: Judged, frame: Image, answers: BinaryIO) -> None:
    started = time.perf_counter()
    examined = judged.examine(frame)
    verdict, prediction = examined.verdict, examined.prediction
    found = None if prediction is None else prediction.anomaly_map.astype(np.float32)
    answer = {
        "verdict": verdict.outcome,
        "score": verdict.score,
        "threshold": verdict.threshold,
        "reason": verdict.reason,
        "detail": verdict.detail,
        "ms": (time.perf_counter() - started) * 1000,
        "map": None if found is None else list(found.shape),
    }
    _answer(answers, answer, b"" if found is None else found.tobytes())


def _answer(answers: BinaryIO, table: Mapping[str, Any], more: bytes = b"") -> None:
    answers.write(json.dumps(table).encode() + b"\n" + more)
    answers.flush()


def _said(error: Exception) -> str:
    return error.what if isinstance(error, SlsgError) else one_line(described(error))


if __name__ == "__main__":
    main()
