"""Counts, rejects, downtime, drift, and what judged: gathered in one look at the outbox."""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slsg_edge.contracts import Outcome
from slsg_edge.errors import StorageError
from slsg_edge.line.outbox.database import NAME
from slsg_edge.line.outbox.entries import Event, Stored
from slsg_edge.line.outbox.reader import Reader
from slsg_edge.line.outbox.rows import seconds_of
from slsg_edge.line.records import Record
from slsg_edge.line.settings.line import LineSettings
from slsg_edge.line.shift.downtime import Outage, outages_of

MOST_REJECTS = 200  # of a station, the newest; the CSV has them all
_MOST_EVENTS = 100_000
_HOUR = 3600.0
# What else a person wants to know of: not the coming and going of cameras, which is downtime.
_TOLD = frozenset({"change", "clock", "disk", "sink", "started", "stopped"})


@dataclass(slots=True)
class InForce:
    """A bundle with a threshold, and the parts that it judged. first, last: UTC seconds."""

    bundle: str
    threshold: float
    first: float
    last: float
    parts: int = 0


@dataclass(slots=True)
class Drift:
    """What good parts no longer looked like. first: UTC seconds. parts: whose verdict says so."""

    first: float
    parts: int = 0


@dataclass(slots=True)
class StationShift:
    """hours: verdicts by the UTC second at which their hour begins.

    rejects: the newest first, and rejected: how many there were. A frame that was not inspected and
    of which there is no picture is none: an hour without a camera would hide all others.
    """

    name: str
    counts: Counter[Outcome] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    hours: dict[int, Counter[Outcome]] = field(default_factory=dict)
    in_force: list[InForce] = field(default_factory=list)
    drift: dict[str, Drift] = field(default_factory=dict)
    outages: Sequence[Outage] = ()
    rejects: deque[Record] = field(default_factory=lambda: deque(maxlen=MOST_REJECTS))
    rejected: int = 0

    @property
    def parts(self) -> int:
        return self.counts.total()

    @property
    def down(self) -> Mapping[str, tuple[float, int]]:
        """Seconds and times, by cause, the longest first."""
        causes: dict[str, tuple[float, int]] = {}
        for outage in self.outages:
            seconds, times = causes.get(outage.cause, (0.0, 0))
            causes[outage.cause] = seconds + outage.seconds, times + 1
        return dict(sorted(causes.items(), key=lambda each: -each[1][0]))

    def add(self, record: Record) -> None:
        at = seconds_of(record.captured_at)
        self.counts[record.verdict] += 1
        self.hours.setdefault(int(at // _HOUR * _HOUR), Counter())[record.verdict] += 1
        if record.reason:
            self.reasons[record.reason] += 1
        if record.verdict != "good" and (record.image or record.score is not None):
            self.rejected += 1
            self.rejects.appendleft(record)
        for name in record.drift:
            self.drift.setdefault(name, Drift(at)).parts += 1
        if record.threshold is not None:
            self._judged_by(record.bundle, record.threshold, at)

    def _judged_by(self, bundle: str, threshold: float, at: float) -> None:
        newest = self.in_force[-1] if self.in_force else None
        if newest is None or (newest.bundle, newest.threshold) != (bundle, threshold):
            newest = InForce(bundle, threshold, at, at)
            self.in_force.append(newest)
        newest.last = at
        newest.parts += 1


@dataclass(frozen=True, slots=True)
class Shift:
    """start, end: UTC seconds. events: in their order. labels: of people, by id of the verdict."""

    line: str
    folder: Path
    start: float
    end: float
    stations: Sequence[StationShift]
    events: Sequence[Event]
    labels: Mapping[str, str]


def shift_of(
    settings: LineSettings,
    period: tuple[float, float],
    now: float,
    each: Callable[[Stored, str], None] = lambda stored, label: None,
) -> Shift:
    """The line may run meanwhile. each: called with each verdict in turn, and its label.

    StorageError where there is no outbox, or it cannot be read.
    """
    path = settings.folder / NAME
    if not path.is_file():
        raise StorageError(
            f"There are no verdicts in {settings.folder}.",
            fix="Give the line.toml of a line that has run, on the machine that it ran on.",
        )
    reader = Reader(path, lambda: None)
    try:
        return _gathered(reader, settings, period, now, each)
    finally:
        reader.close()


def _gathered(
    reader: Reader,
    settings: LineSettings,
    period: tuple[float, float],
    now: float,
    each: Callable[[Stored, str], None],
) -> Shift:
    start, end = period
    events = reader.events(0.0, end, _MOST_EVENTS)[::-1]
    labels = reader.labels()
    signs = _Signs(events)
    stations = {one.name: StationShift(one.name) for one in settings.station}
    for stored in reader.between(start, end, None):
        record = stored.record
        stations.setdefault(record.station, StationShift(record.station)).add(record)
        signs.heard(seconds_of(record.captured_at))
        each(stored, labels.get(record.id, ""))
    until = min(end, now)
    for station in stations.values():
        station.outages = outages_of(station.name, events, (start, until), signs.before)
    told = [event for event in events if event.at >= start and event.kind in _TOLD]
    return Shift(settings.name, settings.folder, start, end, [*stations.values()], told, labels)


class _Signs:
    """When a line was last heard of before each of its starts."""

    def __init__(self, events: Sequence[Event]) -> None:
        starts = [each for each in events if each.kind == "started" and not each.station]
        self._starts = sorted(each.at for each in starts)
        self._last = [0.0] * (len(self._starts) + 1)
        for event in events:
            self.heard(event.at)

    def heard(self, at: float) -> None:
        place = bisect_left(self._starts, at)
        if place == len(self._starts) or self._starts[place] != at:
            self._last[place] = max(self._last[place], at)

    def before(self, start: float) -> float:
        return max(self._last[: bisect_left(self._starts, start) + 1], default=0.0) or start
