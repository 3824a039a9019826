"""The threads that bring verdicts to one sink each."""

import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress

from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.outbox.outbox import Outbox
from slsg_edge.line.outbox.standing import Standing
from slsg_edge.line.service.status import SinkStatus
from slsg_edge.line.sinks.destinations import Display, Journal

BEAT = 0.25  # seconds
_LOOK = 1.0  # seconds after which the outbox is looked at, whether or not something was told
_PATIENCE = 1.0  # seconds for a thread at the end
_POLL = 0.02


class JournalCourier:
    """Every verdict in order, from where the sink was."""

    def __init__(
        self,
        journal: Journal,
        outbox: Outbox,
        stations: Collection[str] | None,
        standing: Standing,
    ) -> None:
        self._journal, self._outbox, self._standing = journal, outbox, standing
        self._stations = None if stations is None else frozenset(stations)
        self._news, self._hurry = threading.Event(), threading.Event()
        self._stopped, self._idle_at = False, -1
        outbox.register(journal.name)
        self._thread = _started(self._run, f"sink-{journal.name}")

    def told(self, stored: Stored) -> None:
        if self._stations is None or stored.record.station in self._stations:
            self._news.set()

    def status(self) -> SinkStatus:
        waiting = 0
        with suppress(Exception):  # a file that cannot be read is told where it is written
            waiting = self._outbox.waiting(self._journal.name, self._stations)
        return self._standing.status(waiting)

    def drain(self, deadline: float) -> None:
        """Until it has taken what there is now, or failed once more."""
        end, failures = self._outbox.last_position, self._standing.failures
        self._hurry.set()
        while time.monotonic() < deadline and self._thread.is_alive():
            if self._idle_at >= end or self._standing.failures > failures:
                return
            self._news.set()
            time.sleep(_POLL)

    def close(self) -> None:
        self._stopped = True
        self._hurry.set()
        self._news.set()
        self._thread.join(_PATIENCE)
        with suppress(Exception):  # also where `take` hangs, which this may end
            self._journal.close()

    def _run(self) -> None:
        while not self._stopped:
            self._news.clear()
            try:
                more = self._bring()
            except Exception as error:  # it fails alone, whatever it raises
                self._hurry.clear()
                pause = self._standing.failed(error)
                if not self._stopped:
                    self._hurry.wait(pause)
                continue
            if not more and not self._stopped:
                self._news.wait(_LOOK)

    def _bring(self) -> bool:
        """Whether there may be more."""
        name, end = self._journal.name, self._outbox.last_position
        batch = self._outbox.after(
            self._outbox.position_of(name), self._journal.most, self._stations
        )
        if not batch:
            self._outbox.advance(name, end)  # past what is not for this sink
            self._idle_at = end
            return False
        self._journal.take(batch)
        self._outbox.advance(name, batch[-1].position)
        self._standing.took(len(batch))
        return True


class DisplayCourier:
    """The newest verdict of each station, and the heartbeat."""

    def __init__(
        self,
        display: Display,
        stations: Collection[str] | None,
        standing: Standing,
        alive: Callable[[], bool],
    ) -> None:
        self._display, self._standing, self._alive = display, standing, alive
        self._stations = None if stations is None else frozenset(stations)
        self._newest: dict[str, Stored] = {}
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._showing = _started(self._show_all, f"sink-{display.name}")
        self._beating = _started(self._beat_on, f"beat-{display.name}")

    def told(self, stored: Stored) -> None:
        station = stored.record.station
        if self._stations is None or station in self._stations:
            with self._changed:
                self._newest[station] = stored
                self._changed.notify_all()

    def status(self) -> SinkStatus:
        with self._changed:
            return self._standing.status(len(self._newest))

    def drain(self, deadline: float) -> None:
        failures = self._standing.failures
        with self._changed:
            self._changed.wait_for(
                lambda: not self._newest or self._standing.failures > failures,
                max(deadline - time.monotonic(), 0),
            )

    def close(self) -> None:
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()
        for thread in (self._showing, self._beating):
            thread.join(_PATIENCE)
        with suppress(Exception):
            self._display.close()

    def _show_all(self) -> None:
        while (stored := self._next()) is not None:
            try:
                self._display.show(stored)
            except Exception as error:
                self._stopped.wait(self._standing.failed(error))
                continue
            self._shown(stored)
            self._standing.took(1)

    def _next(self) -> Stored | None:
        """The oldest of those that wait; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._stopped.is_set())
            if self._stopped.is_set():
                return None
            return min(self._newest.values(), key=lambda stored: stored.position)

    def _shown(self, stored: Stored) -> None:
        """Unless a newer one came meanwhile."""
        with self._changed:
            if self._newest.get(stored.record.station) is stored:
                del self._newest[stored.record.station]
            self._changed.notify_all()

    def _beat_on(self) -> None:
        """A PLC takes the line for dead where this stops, so it may only beat while it is not."""
        while not self._stopped.wait(BEAT):
            try:
                if self._alive():
                    self._display.beat()
            except Exception as error:
                self._standing.failed(error)


def _started(run: Callable[[], None], name: str) -> threading.Thread:
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread
