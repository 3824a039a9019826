"""The candidate of one station: begun, ended, and what follows from it."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from slsg_edge.bundle.folder import Bundle
from slsg_edge.line.deploy.faults import excess
from slsg_edge.line.deploy.shadowing import Compared, ShadowRun
from slsg_edge.line.deploy.state import DeployState, Shadow, activated, refused
from slsg_edge.line.records import Inspection
from slsg_edge.line.settings.line import StationSettings

_LAST = 1.0  # seconds for one that was told to end

Update: TypeAlias = Callable[[DeployState], DeployState]


class Beside:
    """bundle: of the station, asked for when a picture is drawn."""

    def __init__(self, folder: Path, bundle: Callable[[], Bundle]) -> None:
        self._folder, self._bundle = folder, bundle
        self._run: ShadowRun | None = None
        self._candidate = ""

    def follow(self, state: DeployState | None, station: StationSettings) -> bool:
        """Begins or ends the candidate as the state says; whether one began."""
        candidate = "" if state is None else state.candidate
        shadow = None if state is None else state.shadow
        wanted = candidate if shadow is not None and not shadow.done else ""
        if wanted == self._candidate:
            return False
        self.stop()
        self._candidate = wanted
        if wanted and shadow is not None:
            before = Compared(shadow.compared, shadow.differ, shadow.rejected, shadow.skipped)
            self._run = ShadowRun(self._folder / wanted, station, self._bundle, before)
        return bool(wanted)

    def offer(self, inspection: Inspection) -> None:
        run = self._run
        if run is not None:
            run.offer(inspection)

    def counted(self, state: DeployState) -> DeployState:
        """With the counts of this moment, where they are of its candidate."""
        run = self._run
        if run is None or state.shadow is None or state.candidate != self._candidate:
            return state
        return replace(state, shadow=_with_counts(state.shadow, run.told))

    def outcome(self, state: DeployState) -> Update | None:
        """What becomes of the state; None while the shadow goes on."""
        run, shadow = self._run, state.shadow
        if run is None or shadow is None:
            return None
        told = run.told
        if told.failed is not None:
            why = f"beside the active bundle it failed: {told.failed}"
            return lambda now: refused(self.counted(now), why)
        if not _over(shadow, told):
            return None
        if why_not := _excess(state, told):
            return lambda now: refused(self.counted(now), f"as a shadow: {why_not}")
        return self._held if shadow.hold else self._activated

    def stop(self, *, wait: bool = False) -> None:
        run, self._run, self._candidate = self._run, None, ""
        if run is not None:
            run.stop()
            run.join(_LAST if wait else 0.0)

    def _held(self, state: DeployState) -> DeployState:
        state = self.counted(state)
        return replace(state, shadow=state.shadow and replace(state.shadow, done=True))

    def _activated(self, state: DeployState) -> DeployState:
        return activated(state, state.candidate, state.limits)


def _over(shadow: Shadow, told: Compared) -> bool:
    timely = shadow.seconds > 0 and time.time() - shadow.begun >= shadow.seconds
    return told.compared > 0 and (timely or 0 < shadow.frames <= told.compared)


def _excess(state: DeployState, told: Compared) -> str | None:
    """By the share that its probation would allow."""
    if state.limits is None:
        return None
    seen = told.compared
    return excess(replace(state.limits, frames=seen, seen=seen, rejected=told.rejected), 0, "")


def _with_counts(shadow: Shadow, told: Compared) -> Shadow:
    return replace(
        shadow,
        compared=told.compared,
        differ=told.differ,
        rejected=told.rejected,
        skipped=told.skipped,
    )
