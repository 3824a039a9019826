"""The stations of a line: opened, changed, opened anew when their detector fails, closed."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from slsg_edge.errors import ConfigError, SlsgError
from slsg_edge.line.drift.monitor import DriftMonitor
from slsg_edge.line.service.detectors import Detectors, Opened
from slsg_edge.line.service.peers import Peers
from slsg_edge.line.service.setup import Equipment, Setup
from slsg_edge.line.service.station import Station
from slsg_edge.line.service.status import SourceState, StationStatus
from slsg_edge.line.settings.line import LineSettings, StationSettings
from slsg_edge.runtime.reasons import described, one_line

_RENEWED_LATELY = 60.0  # seconds: a detector that fails again so soon needs a fresh process
_AGAIN = 30.0  # seconds until a station that could not be opened is tried again


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a station could not be opened or changed, and when that is tried again."""

    text: str
    again: float


class Stations:
    """What is wrong with one of them does not stop the others."""

    def __init__(
        self,
        settings: LineSettings,
        detectors: Detectors,
        peers: Peers,
        equipment: Equipment,
        warn: Callable[[str], None],
    ) -> None:
        self._settings, self._detectors, self._peers = settings, detectors, peers
        self._equipment, self._outbox, self._warn = equipment, equipment.outbox, warn
        self._running: dict[str, Station] = {}
        self._refusals: dict[str, _Refusal] = {}
        self._to_renew: set[str] = set()
        self._renewals: dict[str, float] = {}
        self._lock = threading.RLock()
        self.need_fresh_process = False

    def open(self) -> None:
        """Raises the first one's error when none can be opened."""
        errors = [self.begin(station) for station in self._settings.station]
        if all(errors):
            raise next(error for error in errors if error)

    def look(self) -> None:
        """What is due: detectors to open anew, stations to try again."""
        with self._lock:
            renewals, self._to_renew = self._to_renew, set()
        for name in renewals:
            self._renew(name)
        for station in self._all():
            station.look()
        for settings in self._settings.station:
            refusal = self._refusals.get(settings.name)
            if refusal is not None and time.monotonic() > refusal.again:
                self.begin(settings)

    def alive(self) -> bool:
        """Whether every station that runs works, or waits for what is not its fault."""
        return all(station.alive for station in self._all())

    def ended(self) -> bool:
        """Whether every source has come to its end."""
        return bool(self._running) and all(station.ended for station in self._all())

    def named(self, name: str) -> Station:
        """ConfigError where there is none."""
        with self._lock:
            if name in self._running:
                return self._running[name]
            known = ", ".join(self._running)
        raise ConfigError(f"There is no station {name} that runs.", fix=f"Stations: {known}.")

    def keep(self, name: str) -> Callable[[], None]:
        """Has the detector of a station stay open until what is given is called; ConfigError where
        the station does not run.
        """
        return self._detectors.keep(self.named(name).opened)

    def statuses(self) -> tuple[StationStatus, ...]:
        return tuple(self._status_of(settings.name) for settings in self._settings.station)

    def states(self) -> dict[str, SourceState]:
        return {station.settings.name: station.state for station in self._all()}

    def change(self, settings: LineSettings) -> None:
        """To other settings of the stations; one that cannot be changed goes on as it was."""
        names = {station.name for station in settings.station}
        with self._lock:
            self._settings = settings
            gone = [self._running.pop(name) for name in set(self._running) - names]
        _end(gone, self._warn)
        for station in settings.station:
            self.begin(station)

    def change_bundle(self, station: str) -> None:
        """Opens the bundle of a station again, for every station that runs it."""
        bundle = self.named(station).opened.bundle.path
        for each in self._all():
            if each.opened.bundle.path == bundle:
                self.begin(each.settings)

    def renew(self, name: str) -> None:
        """Has the detector of a station opened anew, soon."""
        with self._lock:
            self._to_renew.add(name)

    def begin(self, settings: StationSettings) -> SlsgError | None:
        """Opens a station, or changes one that runs; the error where that is refused, which leaves
        a station that runs as it was.
        """
        try:
            opened = self._detectors.open(settings)
        except Exception as error:
            return self._refuse(settings, error)
        drift = self._drift_of(settings, opened)
        with self._lock:
            self._refusals.pop(settings.name, None)
            station = self._running.get(settings.name)
            if station is not None and _same(station, settings, opened):
                opened.judged.close()
                return None
            setup = Setup(settings, opened, drift, self._peers.requests_of(settings))
            if station is None:
                self._running[settings.name] = Station(setup, self._equipment)
            else:
                station.change(setup)
        self._peers.name_recipe(settings.name, settings.bundle.stem)
        return None

    def close(self) -> None:
        with self._lock:
            stations, self._running = tuple(self._running.values()), {}
        _end(stations, self._warn)

    def _all(self) -> tuple[Station, ...]:
        with self._lock:
            return tuple(self._running.values())

    def _status_of(self, name: str) -> StationStatus:
        with self._lock:
            station, refusal = self._running.get(name), self._refusals.get(name)
        if station is None:
            return StationStatus(name, detail=refusal.text if refusal else "it is being opened")
        return station.status()

    def _refuse(self, settings: StationSettings, error: Exception) -> SlsgError:
        name = settings.name
        text = one_line(error.what if isinstance(error, SlsgError) else described(error))
        known, runs = self._refusals.get(name), name in self._running
        self._refusals[name] = _Refusal(text, time.monotonic() + _AGAIN)
        if known is None or known.text != text:
            self._outbox.event("detector", name, "kept" if runs else "refused", text)
            self._warn(f"{name}: {text}" + (" What ran goes on." if runs else ""))
        if isinstance(error, SlsgError):
            return error
        return ConfigError(f"{name}: {text}.", fix="Run: slsg-edge doctor")

    def _drift_of(self, settings: StationSettings, opened: Opened) -> DriftMonitor | None:
        """Goes on with what was seen of this very bundle."""
        if not self._settings.drift.enabled:
            return None
        return DriftMonitor(
            settings.name, opened.bundle, self._settings.drift, self._settings.folder
        )

    def _renew(self, name: str) -> None:
        """Opens the detector of a station anew; where that was done just now and did not help,
        the whole line needs a fresh process, which alone gets a GPU's context anew.
        """
        station = self._running.get(name)
        if station is None:
            return
        now, shared = time.monotonic(), station.opened.shared
        if now - self._renewals.get(shared.model.path, -_RENEWED_LATELY) < _RENEWED_LATELY:
            self._outbox.event("detector", name, "afresh", "the line needs a fresh process")
            self.need_fresh_process = True
            return
        self._renewals[shared.model.path] = now
        self._detectors.forget(station.opened)
        for each in self._all():
            if each.opened.shared is shared:
                each.board.tell(restarts=each.board.now.restarts + 1)
                self.begin(each.settings)
        self._outbox.event("detector", name, "renewed", "its detector was opened anew")


def _same(station: Station, settings: StationSettings, opened: Opened) -> bool:
    """Whether nothing would change."""
    runs = station.opened
    fingerprints = runs.judged.fingerprint, opened.judged.fingerprint
    same_model = runs.shared is opened.shared and fingerprints[0] == fingerprints[1]
    return same_model and settings == station.settings


def _end(stations: "tuple[Station, ...] | list[Station]", warn: Callable[[str], None]) -> None:
    """All at once, each within three seconds."""
    for station in stations:
        station.stop()
    for station in stations:
        if not station.join():
            warn(f"{station.settings.name} did not end in time.")
