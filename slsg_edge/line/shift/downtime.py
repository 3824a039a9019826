"""When a station did not inspect, and why: from the events of the outbox."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from slsg_edge.line.outbox.entries import Event

STOPPED = "the line was stopped"
KILLED = "the line ended without a word, as when power fails"
_DOWN = frozenset({"lost", "failing", "refused"})
_UP = frozenset({"ok", "idle", "ended", "changed"})


@dataclass(frozen=True, slots=True)
class Outage:
    """start, end: UTC seconds. cause: for people."""

    cause: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        return max(0.0, self.end - self.start)


class Course:
    """What the events say of one station, in their order."""

    def __init__(self) -> None:
        self._cause: str | None = None
        self._since = 0.0
        self._outages: list[Outage] = []

    def down(self, cause: str, at: float) -> None:
        """A new cause ends the one before; the same one goes on."""
        if cause != self._cause:
            self.up(at)
            self._cause, self._since = cause, at

    def up(self, at: float) -> None:
        if self._cause is not None:
            self._outages.append(Outage(self._cause, self._since, at))
        self._cause = None

    def until(self, end: float) -> list[Outage]:
        self.up(end)
        return self._outages


def outages_of(
    station: str,
    events: Iterable[Event],
    period: tuple[float, float],
    last_sign: Callable[[float], float],
) -> list[Outage]:
    """Within the period. events: in their order, from before it on.

    last_sign: when the line was last heard of before that moment.
    """
    course, running = Course(), False
    for event in events:
        if event.kind == "started" and not event.station:
            if running:  # nobody told it to stop
                course.down(KILLED, last_sign(event.at))
            course.up(event.at)
            running = True
        elif event.kind == "stopped" and not event.station:
            course.down(STOPPED, event.at)
            running = False
        elif event.station == station:
            _note(course, event)
    return _within(course.until(period[1]), period)


def _note(course: Course, event: Event) -> None:
    if event.kind not in ("source", "detector", "started"):
        return
    if event.state in _DOWN:
        what = "camera" if event.kind == "source" else "detector"
        course.down(f"{what}: {event.text}", event.at)
    elif event.state in _UP:
        course.up(event.at)


def _within(outages: Sequence[Outage], period: tuple[float, float]) -> list[Outage]:
    start, end = period
    cut = [Outage(each.cause, max(each.start, start), min(each.end, end)) for each in outages]
    return [each for each in cut if each.seconds > 0]
