"""A whole line: its stations, its outbox and sinks, and who watches over them."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

from slsg_edge.errors import SlsgError
from slsg_edge.line.deploy.active import bundle_of
from slsg_edge.line.deploy.deployments import Deployments
from slsg_edge.line.fleet.following import Following
from slsg_edge.line.fleet.reports import Report, report_of
from slsg_edge.line.outbox.delivery import Delivery
from slsg_edge.line.outbox.outbox import Outbox
from slsg_edge.line.service.awaited import Awaited
from slsg_edge.line.service.detectors import Detectors
from slsg_edge.line.service.peers import add_sinks
from slsg_edge.line.service.setup import Equipment
from slsg_edge.line.service.stations import Stations
from slsg_edge.line.settings.line import LineSettings
from slsg_edge.line.settings.reading import read_line
from slsg_edge.line.sinks.kept_pictures import KeptPictures

Ending: TypeAlias = Literal["stopped", "ended", "afresh"]

_TICK = 0.25  # seconds between two looks at everything
_CLOCK_JUMP = 5.0  # seconds
_DRAIN = 1.0  # seconds for what waits at the end
_PRUNED_EVERY = 3600.0  # seconds
_DAY = 86400.0  # seconds


class LineService:
    """Opens its outbox and sinks when it is made; `run` opens the stations and goes on until it is
    told to end; `close` in any case.

    ConfigError for a `line.toml` that is wrong, and when another line uses its folder.
    """

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        self._path, self._warn = path, warn
        self.settings = read_line(path)
        self.started = time.time()
        self._clock = time.time() - time.monotonic()
        self._stop, self._reload = threading.Event(), threading.Event()
        self._pruned = -_PRUNED_EVERY
        with ExitStack() as stack:
            self._open(stack)
            self._closing = stack.pop_all()

    def _open(self, stack: ExitStack) -> None:
        settings = self.settings
        self.outbox = stack.enter_context(closing(Outbox(settings.folder, self._warn)))
        self.pictures = stack.enter_context(
            closing(KeptPictures(settings.folder, settings.keep, self._warn))
        )
        awaited = Awaited()
        self.outbox.subscribe(awaited.stored)
        self.delivery = stack.enter_context(closing(Delivery(self.outbox, self._warn)))
        peers = add_sinks(self.delivery, settings, stack)
        self.stations = Stations(
            settings,
            Detectors(len(settings.station), bundle_of=lambda one: bundle_of(one, settings.folder)),
            peers,
            Equipment(
                self.outbox,
                self.pictures,
                awaited,
                lambda name: self.stations.renew(name),
                lambda inspection, bundle: self.deployments.inspected(inspection, bundle),
            ),
            self._warn,
        )
        self.deployments = Deployments(settings, self.stations, self.outbox, self._warn)
        self.following = Following(self._path, settings, self._tell_update)
        stack.callback(self.following.close)
        self.delivery.alive = self.stations.alive
        peers.say_states(self.stations.states)

    def run(
        self,
        opened: Callable[[], None] = lambda: None,
        tick: Callable[[bool], None] = lambda alive: None,
    ) -> Ending:
        """Until `stop`, until every source has ended, or until a fresh process is needed.

        opened: called when the stations are. tick: called four times a second with whether every
        station works. What is wrong with one station does not stop the others; when none can be
        opened, the first one's error is raised.
        """
        self.outbox.event("started", "", "ok", f"the line {self.settings.name} started")
        self.deployments.open()
        opened()
        while not self._stop.wait(_TICK):
            self._look()
            tick(self.stations.alive())
            if self.stations.need_fresh_process:
                return "afresh"
            if self.stations.ended():
                return "ended"
        return "stopped"

    def stop(self) -> None:
        """From any thread, and from a signal handler."""
        self._stop.set()

    def reload(self) -> None:
        """Has `line.toml` and the bundles read again, soon; what did not change goes on."""
        self._reload.set()

    def close(self) -> None:
        """Drains what can be, within five seconds."""
        self.following.close()
        self.deployments.close()
        self.stations.close()
        self.outbox.event("stopped", "", "stopped", f"the line {self.settings.name} stopped")
        self.outbox.flush(_DRAIN)
        self.delivery.drain(_DRAIN)
        self._closing.close()

    def reports(self) -> list[Report]:
        """What each station says to its fleet."""
        name, pull = self.settings.name, self.following.last
        return [
            report_of(name, status, self.deployments.of(status.name), pull)
            for status in self.stations.statuses()
        ]

    def _tell_update(self, state: str, text: str) -> None:
        self.outbox.event("update", "", state, text)
        self._warn(f"update: {text}")

    def _look(self) -> None:
        self._watch_clock()
        if self._reload.is_set():
            self._reload.clear()
            self._read_again()
        self.stations.look()
        self.deployments.look()
        self.following.look(self.reports)
        now = time.monotonic()
        if now - self._pruned >= _PRUNED_EVERY:
            self._pruned = now
            self.outbox.prune(time.time() - self.settings.keep.days * _DAY)

    def _watch_clock(self) -> None:
        now = time.time() - time.monotonic()
        jump = now - self._clock
        if abs(jump) > _CLOCK_JUMP:
            self._clock = now
            self.outbox.event("clock", "", "jumped", f"the clock jumped by {jump:.0f} s")

    def _read_again(self) -> None:
        """An error leaves everything as it was."""
        try:
            settings = read_line(self._path)
        except SlsgError as error:
            self.outbox.event("change", "", "kept", error.what)
            self._warn(f"{error.what} Everything goes on as before.")
            return
        if _outside_stations(self.settings) != _outside_stations(settings):
            self._warn("What is not of a station changes when the line is started again.")
        self.settings = replace(self.settings, station=settings.station)
        self.stations.change(self.settings)
        self.deployments.change(self.settings)
        self.outbox.event("change", "", "loaded", f"{self._path.name} was read again")


def _outside_stations(settings: LineSettings) -> LineSettings:
    return replace(settings, station=())
