"""What is written of each frame, and the sum of a watch."""

import hashlib
import json
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from slsg_edge.bundle.plan import MANIFEST_FILE
from slsg_edge.contracts import Frame, Outcome, Prediction, Verdict

_FINGERPRINT = 16  # hex digits
_KEPT = 10_000  # latencies: enough for a p95, and a watch of months does not grow


@dataclass(frozen=True, slots=True)
class Record:
    """One line of JSON. `captured_at` is UTC; `age_ms` is that of the frame at the verdict."""

    index: int
    origin: str
    captured_at: str
    age_ms: float
    verdict: Outcome
    score: float | None
    threshold: float | None
    p_value: float | None
    reason: str | None
    latency_ms: Mapping[str, float]
    bundle: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """A record with what it was made from; no prediction when undecided."""

    record: Record
    frame: Frame
    prediction: Prediction | None = None


@dataclass(frozen=True, slots=True)
class WatchSummary:
    """`skipped` by `every`, `dropped` by a live source; `reason` is the last for undecided.

    p50 and p95 in ms over the last 10,000 frames, None when none was inspected.
    """

    frames: int
    good: int
    anomalous: int
    undecided: int
    skipped: int
    dropped: int
    detect_p50: float | None
    detect_p95: float | None
    reason: str | None


class Tally:
    """Counts records into a `WatchSummary`."""

    def __init__(self) -> None:
        self.skipped = 0
        self._outcomes: Counter[Outcome] = Counter()
        self._detect: deque[float] = deque(maxlen=_KEPT)
        self._reason: str | None = None

    @property
    def frames(self) -> int:
        return self._outcomes.total()

    def add(self, record: Record) -> None:
        self._outcomes[record.verdict] += 1
        self._reason = record.reason or self._reason
        if record.verdict != "undecided":
            self._detect.append(record.latency_ms["detect"])

    def summary(self, dropped: int) -> WatchSummary:
        p50, p95 = np.percentile(self._detect, [50, 95]).tolist() if self._detect else (None, None)
        return WatchSummary(
            frames=self.frames,
            good=self._outcomes["good"],
            anomalous=self._outcomes["anomalous"],
            undecided=self._outcomes["undecided"],
            skipped=self.skipped,
            dropped=dropped,
            detect_p50=p50,
            detect_p95=p95,
            reason=self._reason,
        )


def record_of(
    frame: Frame, verdict: Verdict, latency_ms: Mapping[str, float], fingerprint: str
) -> Record:
    captured = datetime.fromtimestamp(frame.captured_at, timezone.utc)
    return Record(
        index=frame.index,
        origin=frame.origin,
        captured_at=captured.isoformat(timespec="milliseconds"),
        age_ms=round((time.monotonic() - frame.captured_monotonic) * 1000, 3),
        verdict=verdict.outcome,
        score=verdict.score,
        threshold=verdict.threshold,
        p_value=verdict.p_value,
        reason=verdict.reason,
        latency_ms={stage: round(ms, 3) for stage, ms in latency_ms.items()},
        bundle=fingerprint,
    )


def json_line(record: Record) -> str:
    """One line with its end."""
    return json.dumps(asdict(record), allow_nan=False) + "\n"


def fingerprint_of(bundle: Path) -> str:
    """Which bundle gave a verdict: the manifest vouches for everything else in it."""
    return hashlib.sha256((bundle / MANIFEST_FILE).read_bytes()).hexdigest()[:_FINGERPRINT]
