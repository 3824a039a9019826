"""The deployment of one station while its line runs: switched to, tried, kept or taken back."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from slsg_edge.bundle.folder import Bundle
from slsg_edge.errors import ConfigError, SlsgError
from slsg_edge.line.deploy.active import applies, named
from slsg_edge.line.deploy.beside import Beside
from slsg_edge.line.deploy.faults import MOST_STARTS
from slsg_edge.line.deploy.probation import OnProbation
from slsg_edge.line.deploy.state import (
    FILE,
    OF_LINE_TOML,
    DeployState,
    change_state,
    folder_of,
    kept,
    read_state,
    rolled_back,
)
from slsg_edge.line.deploy.words import alarm, ended, label, standing
from slsg_edge.line.records import Inspection
from slsg_edge.line.service.stations import Stations
from slsg_edge.line.settings.line import StationSettings

_SAVED_EVERY = 2.0  # seconds between two notes of how far it is

Tell: TypeAlias = Callable[[str, str, str], None]
"""Station, state and text of an event."""


class WatchedStation:
    """`look` is called by one thread, `inspected` by that of the station."""

    def __init__(
        self, settings: StationSettings, folder: Path, stations: Stations, tell: Tell
    ) -> None:
        self._settings = settings
        self._folder = folder_of(folder, settings.name)
        self._stations, self._tell = stations, tell
        self._mark: object = None
        self._state: DeployState | None = None
        self._given: Path | None = None  # what the station was last opened with
        self._refused: Path | None = None
        self._opening: threading.Thread | None = None
        self._error: SlsgError | None = None
        self._probation = OnProbation()
        self._beside = Beside(self._folder, self._bundle)
        self._saved = time.monotonic()
        self._trouble: str | None = None
        self._let_go: Callable[[], None] | None = None  # of the detector to go back to

    def starting(self) -> None:
        """Before the station is opened: a bundle that ended the line time and again goes."""
        self._read()
        on = self._probation.now
        if on is not None and on.starts >= MOST_STARTS:
            self._take_back(f"the line began {on.starts} times and did not get through with it")
        elif on is not None:
            self._change(_with_start)

    def take_back_unopened(self) -> bool:
        """Whether a bundle on probation did not open and went."""
        if self._probation.now is None or self._running() is not None:
            return False
        refusals = {each.name: each.detail for each in self._stations.statuses()}
        self._take_back(f"it could not be opened: {refusals[self._settings.name]}")
        return True

    def change(self, settings: StationSettings) -> None:
        """line.toml was read again."""
        if settings != self._settings:
            self._settings, self._mark = settings, None

    def look(self) -> None:
        """What is due; never raises a SlsgError."""
        try:
            self._read()
            self._switch()
            self._judge()
            self._compare()
            self._save()
        except SlsgError as error:
            if self._trouble != error.what:
                self._tell(self._settings.name, "trouble", error.what)
            self._trouble = error.what
        else:
            self._trouble = None

    def inspected(self, inspection: Inspection, bundle: Path) -> None:
        """Returns at once. bundle: that gave the verdict."""
        self._beside.offer(inspection)
        self._probation.inspected(inspection.record, bundle)

    @property
    def now(self) -> DeployState | None:
        """With the counts of this moment; None where nothing was deployed."""
        state = self._state
        if state is None:
            return None
        if state.probation is not None:
            state = replace(state, probation=self._probation.now or state.probation)
        return self._beside.counted(state)

    @property
    def alarm(self) -> str | None:
        state = self.now
        said = self._trouble or (state and alarm(state))
        return f"{self._settings.name}: {said}" if said else None

    def close(self) -> None:
        with suppress(SlsgError):
            self._save(at_once=True)
        self._beside.stop(wait=True)
        self._forget_before()

    def _read(self) -> None:
        """The state, where it changed on the disk."""
        try:
            found = (self._folder / FILE).stat()
            mark: object = found.st_ino, found.st_mtime_ns, found.st_size
        except OSError:
            mark = ()
        if mark == self._mark:
            return
        state = read_state(self._folder)
        self._mark, self._refused = mark, None
        if state is not None and not applies(state, self._settings, self._folder):
            text = f"line.toml names another bundle, so {label(state.active)} is forgotten"
            if state.active != OF_LINE_TOML:
                self._tell(self._settings.name, "forgotten", text)
            state = None
        self._follow(state)

    def _follow(self, state: DeployState | None) -> None:
        self._state = state
        self._probation.follow(self._wanted(), None if state is None else state.probation)

    def _switch(self) -> None:
        """Opens what is active by now; what ran goes on meanwhile."""
        if self._opening is not None:
            self._finish_opening(self._opening)
            return
        wanted = self._wanted()
        self._given = self._given or self._running()
        if wanted not in (self._given, self._refused):
            self._opening = threading.Thread(target=self._open, args=(wanted,), daemon=True)
            self._opening.start()

    def _wanted(self) -> Path:
        state = self._state
        active = OF_LINE_TOML if state is None else state.active
        return named(self._settings, active, self._folder)

    def _open(self, wanted: Path) -> None:
        if self._probation.now is not None and self._let_go is None:
            with suppress(ConfigError):  # nothing runs
                self._let_go = self._stations.keep(self._settings.name)
        self._error = self._stations.begin(self._settings)
        if self._error is None:
            self._given = wanted
        else:
            self._refused = wanted

    def _finish_opening(self, opening: threading.Thread) -> None:
        if opening.is_alive():
            return
        self._opening, state = None, self._state
        if self._error is not None and self._probation.now is not None:
            self._take_back(f"it could not be opened: {self._error.what}")
        if self._probation.now is None:
            self._forget_before()
        if self._error is None and state is not None:
            on = f", on probation for {state.probation.frames} parts" if state.probation else ""
            self._tell(self._settings.name, "switched", f"{label(state.active)} is active{on}")

    def _forget_before(self) -> None:
        """Nobody goes back to the bundle before any more, not within moments."""
        let_go, self._let_go = self._let_go, None
        if let_go is not None:
            let_go()

    def _running(self) -> Path | None:
        try:
            return self._bundle().path
        except ConfigError:
            return None

    def _bundle(self) -> Bundle:
        return self._stations.named(self._settings.name).opened.bundle

    def _judge(self) -> None:
        """Whether the probation is over, and how."""
        if why := self._probation.excess():
            self._take_back(why)
        elif self._probation.passed:
            self._end(kept, "kept")
            self._forget_before()

    def _take_back(self, why: str) -> None:
        self._end(lambda state: rolled_back(state, why), "rolled back")

    def _end(self, end: Callable[[DeployState], DeployState], word: str) -> None:
        """The probation, unless somebody was faster."""

        def ending(state: DeployState) -> DeployState:
            if state.probation is None:
                return state
            on = self._probation.of(named(self._settings, state.active, self._folder))
            return end(replace(state, probation=on or state.probation))

        self._change(ending)
        self._say_end(word)

    def _compare(self) -> None:
        """Begins a candidate beside the active bundle, and ends it."""
        if self._running() is None:
            return
        if self._beside.follow(self._state, self._settings) and self._state is not None:
            self._tell(self._settings.name, "shadow", f"{label(self._state.candidate)} runs beside")
        before = self.now
        outcome = None if before is None else self._beside.outcome(before)
        if before is None or outcome is None:
            return
        self._change(lambda state: outcome(state) if state.candidate == before.candidate else state)
        compared = standing(before).partition(": ")[2]
        self._tell(self._settings.name, "shadow", f"{label(before.candidate)}: {compared}")
        if (
            self._state is not None
            and not self._state.candidate
            and self._state.active != before.candidate
        ):
            self._say_end("refused")

    def _save(self, *, at_once: bool = False) -> None:
        """How far it is, for whoever asks from outside, and for the next start."""
        now = time.monotonic()
        if self._state is None or not (at_once or now - self._saved >= _SAVED_EVERY):
            return
        self._saved = now
        if self._state.probation is not None or self._state.shadow is not None:
            self._change(self._progressed)

    def _progressed(self, state: DeployState) -> DeployState:
        """Only where the state is still that of the same bundles."""
        on = self._probation.of(named(self._settings, state.active, self._folder))
        if on is not None and state.probation is not None:
            state = replace(state, probation=on)
        return self._beside.counted(state)

    def _say_end(self, word: str) -> None:
        if self._state is not None and self._state.last is not None:
            self._tell(self._settings.name, word, ended(self._state.last))

    def _change(self, update: Callable[[DeployState], DeployState]) -> None:
        self._follow(change_state(self._folder, update)[1])


def _with_start(state: DeployState) -> DeployState:
    on = state.probation
    return state if on is None else replace(state, probation=replace(on, starts=on.starts + 1))
