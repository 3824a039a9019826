"""How a line is doing at this moment, for the dashboard, health checks and metrics.

The loop of each station writes, everybody else reads; each look is a snapshot.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from slsg_edge.contracts import Outcome
from slsg_edge.line.records import Inspection, Latencies, Record

SourceState: TypeAlias = Literal[
    "starting",  # the detector is not ready yet
    "ok",  # frames come and are inspected
    "idle",  # nobody asks for a verdict
    "lost",  # no frame comes that can be inspected
    "failing",  # frames come, and the detector does not judge them
    "ended",  # a folder or a film is through
    "stopped",
]

_LAST = 50  # verdicts that are kept for the page
_SCORES = 10_000  # for the histogram, and to try another threshold


@dataclass(frozen=True, slots=True)
class StationStatus:
    """A snapshot of one station.

    since: UTC seconds from when it has been in this state. detail: why, for people. ready: the
    detector is warm and gave its golden answers. counts: verdicts by outcome, reasons: the
    undecided ones by reason. newest: the last inspection with its picture and heat map.
    last: the newest verdicts, newest first. scores: of the last inspected parts, oldest first.
    latency_p50, latency_p95: ms by stage (`detect`, `judge`, `stored`), of the last 10,000.
    drift_evidence: of each quantity that is watched, as `DriftMonitor.describe` gives it.
    late: verdicts that took longer than the station's limit. restarts: of the detector.
    moving: seconds of the monotonic clock at the last verdict. deployment: how that of its bundle
    stands, for people; empty where it runs what line.toml names.
    """

    name: str
    state: SourceState = "starting"
    since: float = field(default_factory=time.time)
    detail: str = ""
    ready: bool = False
    bundle: str = ""
    backend: str = ""
    threshold: float | None = None
    undecided_above: float | None = None
    counts: Mapping[Outcome, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    skipped: int = 0
    dropped: int = 0
    reconnects: int = 0
    restarts: int = 0
    late: int = 0
    drift: tuple[str, ...] = ()
    drift_evidence: Mapping[str, float] = field(default_factory=dict)
    newest: Inspection | None = None
    last: tuple[Record, ...] = ()
    scores: tuple[float, ...] = ()
    latency_p50: Mapping[str, float] = field(default_factory=dict)
    latency_p95: Mapping[str, float] = field(default_factory=dict)
    moving: float | None = None
    deployment: str = ""


@dataclass(frozen=True, slots=True)
class SinkStatus:
    """A snapshot of one sink. waiting: verdicts that it has not taken yet. trouble: why not."""

    name: str
    kind: str
    waiting: int = 0
    taken: int = 0
    failures: int = 0
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class LineStatus:
    """A snapshot of the whole line. alarms: what a person must see to, each a sentence."""

    name: str
    started: float
    stations: tuple[StationStatus, ...]
    sinks: tuple[SinkStatus, ...]
    alarms: tuple[str, ...]
    pictures_bytes: int = 0
    disk_free: int = 0

    @property
    def ready(self) -> bool:
        return bool(self.stations) and all(station.ready for station in self.stations)

    def station(self, name: str) -> StationStatus | None:
        return next((one for one in self.stations if one.name == name), None)


class StationBoard:
    """What one station tells of itself."""

    def __init__(self, name: str) -> None:
        self._lock = threading.Lock()
        self._status = StationStatus(name)
        self._counts: Counter[Outcome] = Counter()
        self._reasons: Counter[str] = Counter()
        self._last: deque[Record] = deque(maxlen=_LAST)
        self._scores: deque[float] = deque(maxlen=_SCORES)
        self._latencies: dict[str, Latencies] = {}

    def tell(self, **changes: object) -> None:
        """Sets fields of the status; a new `state` sets `since`."""
        with self._lock:
            if changes.get("state", self._status.state) != self._status.state:
                changes["since"] = time.time()
            self._status = replace(self._status, **changes)  # type: ignore[arg-type]

    def add(self, inspection: Inspection, *, late: bool = False) -> None:
        """A verdict that was stored; late: it took longer than the station may."""
        record = inspection.record
        with self._lock:
            self._counts[record.verdict] += 1
            if record.reason:
                self._reasons[record.reason] += 1
            self._last.appendleft(record)
            if record.score is not None:
                self._scores.append(record.score)
            for stage, latency in record.latency_ms.items():
                self._latencies.setdefault(stage, Latencies()).add(latency)
            self._status = replace(
                self._status,
                newest=inspection,
                moving=time.monotonic(),
                late=self._status.late + late,
            )

    @property
    def now(self) -> StationStatus:
        """What was told last, without what is counted: cheap enough to ask with each frame."""
        return self._status

    def snapshot(self) -> StationStatus:
        with self._lock:
            return replace(
                self._status,
                counts=dict(self._counts),
                reasons=dict(self._reasons),
                last=tuple(self._last),
                scores=tuple(self._scores),
                latency_p50=self._percentiles(50),
                latency_p95=self._percentiles(95),
            )

    def _percentiles(self, percent: float) -> dict[str, float]:
        found = {name: each.percentile(percent) for name, each in self._latencies.items()}
        return {name: value for name, value in found.items() if value is not None}
