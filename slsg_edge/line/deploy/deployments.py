"""The deployments of a whole line while it runs."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from slsg_edge.errors import SlsgError
from slsg_edge.line.deploy.deploying import audit_of
from slsg_edge.line.deploy.state import DeployState
from slsg_edge.line.deploy.watched import WatchedStation
from slsg_edge.line.outbox.outbox import Outbox
from slsg_edge.line.records import Inspection
from slsg_edge.line.service.stations import Stations
from slsg_edge.line.settings.line import LineSettings

BY = "the line itself"  # in the audit log
_LOGGED = frozenset({"forgotten", "switched", "kept", "rolled back", "refused"})


class Deployments:
    """`look` is called by the thread that looks after the line, `inspected` by the stations'."""

    def __init__(
        self,
        settings: LineSettings,
        stations: Stations,
        outbox: Outbox,
        warn: Callable[[str], None],
    ) -> None:
        self._settings, self._stations = settings, stations
        self._outbox, self._warn = outbox, warn
        self._watched = {name: self._watch(name) for name in self._names()}

    def open(self) -> None:
        """Opens the stations. A bundle on probation that does not open is taken back."""
        for watched in self._watched.values():
            with suppress(SlsgError):  # `look` says it
                watched.starting()
        try:
            self._stations.open()
        except SlsgError:
            gone = [each.take_back_unopened() for each in self._watched.values()]
            if not any(gone):
                raise
            self._stations.open()

    def look(self) -> None:
        for watched in tuple(self._watched.values()):
            watched.look()

    def change(self, settings: LineSettings) -> None:
        """line.toml was read again."""
        self._settings = settings
        gone = self._watched.keys() - set(self._names())
        for name in gone:
            self._watched.pop(name).close()
        for station in settings.station:
            if station.name in self._watched:
                self._watched[station.name].change(station)
            else:
                self._watched[station.name] = self._watch(station.name)

    def inspected(self, inspection: Inspection, bundle: Path) -> None:
        watched = self._watched.get(inspection.record.station)
        if watched is not None:
            watched.inspected(inspection, bundle)

    def of(self, station: str) -> DeployState | None:
        watched = self._watched.get(station)
        return None if watched is None else watched.now

    def alarms(self) -> Iterator[str]:
        return (each.alarm for each in tuple(self._watched.values()) if each.alarm)

    def close(self) -> None:
        for watched in self._watched.values():
            watched.close()

    def _names(self) -> list[str]:
        return [station.name for station in self._settings.station]

    def _watch(self, name: str) -> WatchedStation:
        station = next(each for each in self._settings.station if each.name == name)
        return WatchedStation(station, self._settings.folder, self._stations, self._tell)

    def _tell(self, station: str, state: str, text: str) -> None:
        self._outbox.event("deploy", station, state, text)
        with suppress(Exception):
            self._warn(f"{station}: {text}")
        if state in _LOGGED:
            with suppress(SlsgError):  # the event says it, too
                audit_of(self._settings).append(BY, f"{station}: {text}", "")
