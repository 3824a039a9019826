"""What is written of each frame, and the sum of a watch."""

import json
import os
import time
import uuid
from bisect import bisect_left, insort
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone

from slsg_edge.contracts import Frame, Outcome, Prediction, Reason, Verdict
from slsg_edge.scoring import BETWEEN_THRESHOLDS

VERSION = 1  # of the schema of a record
_KEPT = 10_000  # latencies: enough for a p95, and a watch of months does not grow


@dataclass(frozen=True, slots=True)
class Record:
    """One line of JSON. `captured_at` is UTC; `age_ms` is that of the frame at the verdict.

    `captured_monotonic` is in seconds since the machine started. `reason` is one of
    `contracts.Reason`, for programs; `detail` says it to people.
    id: unlike that of any other verdict, and later ones sort after earlier ones (UUID version 7).
    station: its name; empty in a watch of one camera. sequence: counts the verdicts of a station
    from 1, also across restarts. image: the kept picture, in the folder of the line; None where
    none is kept. drift: what no longer looks as it did, as `score` or `brightness`.
    version: of this schema.
    """

    index: int
    origin: str
    captured_at: str
    captured_monotonic: float
    age_ms: float
    verdict: Outcome
    score: float | None
    threshold: float | None
    p_value: float | None
    reason: Reason | None
    detail: str | None
    latency_ms: Mapping[str, float]
    bundle: str
    id: str = ""
    station: str = ""
    sequence: int = 0
    image: str | None = None
    drift: tuple[str, ...] = ()
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Inspection:
    """A record with what it was made from; no prediction where it was not inspected."""

    record: Record
    frame: Frame
    prediction: Prediction | None = None


@dataclass(frozen=True, slots=True)
class WatchSummary:
    """`skipped` by `every`, `dropped` by a live source; `reason` is the last why a frame was not
    inspected. `between`: those of the undecided that were, and score between the two thresholds.

    failed: by the name of a sink, how many inspections it did not take.
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
    between: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)


class Latencies:
    """The last 10,000 latencies in milliseconds, sorted at every moment.

    So a percentile is a look-up, whoever asks and however often.
    """

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._in_turn: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, latency: float) -> None:
        if len(self._in_turn) == self._kept:
            del self._sorted[bisect_left(self._sorted, self._in_turn.popleft())]
        self._in_turn.append(latency)
        insort(self._sorted, latency)

    def percentile(self, percent: float) -> float | None:
        """Linear between the two nearest latencies, as NumPy's; None while there are none."""
        if not self._sorted:
            return None
        place = (len(self._sorted) - 1) * percent / 100
        below = self._sorted[int(place)]
        above = self._sorted[min(int(place) + 1, len(self._sorted) - 1)]
        return below + (above - below) * (place - int(place))


class Tally:
    """Counts records into a `WatchSummary`; cheap to ask between two frames."""

    def __init__(self) -> None:
        self.skipped = 0
        self._outcomes: Counter[Outcome] = Counter()
        self._detect = Latencies()
        self._reason: str | None = None
        self._between = 0

    def add(self, record: Record) -> None:
        self._outcomes[record.verdict] += 1
        if record.reason == BETWEEN_THRESHOLDS:
            self._between += 1
        else:
            self._reason = record.detail or record.reason or self._reason
        if record.score is not None:
            self._detect.add(record.latency_ms["detect"])

    def summary(self, dropped: int) -> WatchSummary:
        return WatchSummary(
            frames=self._outcomes.total(),
            good=self._outcomes["good"],
            anomalous=self._outcomes["anomalous"],
            undecided=self._outcomes["undecided"],
            skipped=self.skipped,
            dropped=dropped,
            detect_p50=self._detect.percentile(50),
            detect_p95=self._detect.percentile(95),
            reason=self._reason,
            between=self._between,
        )


def record_of(
    frame: Frame, verdict: Verdict, latency_ms: Mapping[str, float], fingerprint: str
) -> Record:
    return Record(
        index=frame.index,
        origin=frame.origin,
        captured_at=_utc(frame.captured_at).isoformat(timespec="milliseconds"),
        captured_monotonic=round(frame.captured_monotonic, 6),
        age_ms=round((time.monotonic() - frame.captured_monotonic) * 1000, 3),
        verdict=verdict.outcome,
        score=verdict.score,
        threshold=verdict.threshold,
        p_value=verdict.p_value,
        reason=verdict.reason,
        detail=verdict.detail,
        latency_ms={stage: round(ms, 3) for stage, ms in latency_ms.items()},
        bundle=fingerprint,
        id=new_id(),
    )


def new_id() -> str:
    """A UUID of version 7 (RFC 9562): milliseconds since 1970, then 74 random bits."""
    moment = int(time.time() * 1000) & (2**48 - 1)
    random = int.from_bytes(os.urandom(10), "big")
    high, low = random >> 68, random & (2**62 - 1)
    return str(uuid.UUID(int=moment << 80 | 7 << 76 | high << 64 | 2 << 62 | low))


def _utc(seconds: float) -> datetime:
    """1970 for a time that no calendar has, as of a clock that was never set."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, timezone.utc)


def json_line(record: Record) -> str:
    """One line with its end."""
    return json.dumps(asdict(record), allow_nan=False) + "\n"
