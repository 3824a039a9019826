"""What `slsg-edge deploy` does: stage, try, switch; go back; say how it stands.

A line that runs looks at the state file a few times a second, so that no port and no signal is
needed to tell it; one that does not finds it when it starts.
"""

import getpass
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from slsg_edge.bounded import read_regular
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.region import fingerprint_of
from slsg_edge.errors import ConfigError, SlsgError
from slsg_edge.line.dashboard.audit import AUDIT_FILE, AuditLog
from slsg_edge.line.deploy.active import applies, configured, named
from slsg_edge.line.deploy.staging import copied, prune, require_whole, staged, staging
from slsg_edge.line.deploy.state import (
    OF_LINE_TOML,
    DeployState,
    Ending,
    Probation,
    Shadow,
    activated,
    change_state,
    fingerprint_in,
    folder_of,
    read_state,
    refused,
    rolled_back,
)
from slsg_edge.line.deploy.words import label
from slsg_edge.line.outbox.outbox import LOCK
from slsg_edge.line.settings.line import LineSettings, StationSettings
from slsg_edge.line.settings.update import UpdateSettings

_LOOK = 0.5  # seconds
_LONGEST_NUMBER = 100  # bytes


@dataclass(frozen=True, slots=True)
class Wish:
    """How a bundle is to be deployed. by: who asks. signed: it must be.

    anew: also where this bundle was refused here before.
    """

    probation: Probation
    shadow: Shadow | None = None
    by: str = ""
    signed: bool = False
    anew: bool = True


@dataclass(frozen=True, slots=True)
class Deployment:
    """What came of it. already: the station runs this bundle, so nothing was done. began: UTC
    seconds.
    """

    station: str
    began: float
    bundle: str = ""
    fingerprint: str = ""
    backend: str = ""
    threshold: float | None = None
    signers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    shadow: bool = False
    already: bool = False


def deploy(
    source: Path,
    line: LineSettings,
    station: StationSettings,
    wish: Wish,
    say: Callable[[str], None] = lambda text: None,
) -> Deployment:
    """Stages and tries the bundle or archive `source`, then makes it the station's bundle or, with
    a shadow, its candidate. Raises a SlsgError where it is not fit; the station then runs on as
    it did.
    """
    folder, by = folder_of(line.folder, station.name), wish.by or person()
    log = audit_of(line)
    done = Deployment(station.name, began=time.time(), shadow=wish.shadow is not None)
    with staging(folder) as place:
        state = _begun(folder, station)
        log.append(by, f"{station.name}: deploying {source}", "")
        try:
            done = _staged(source, folder, place, station, wish, state, done, say)
        except SlsgError as error:
            log.append(by, f"{station.name}: {source} was refused", error.what)
            raise
        if not done.already:
            change_state(folder, lambda state: _changed(state, station, done.bundle, wish))
        prune(folder, place, (read_state(folder) or DeployState()).held)
    said = "runs already" if done.already else "is the candidate" if done.shadow else "is active"
    log.append(by, f"{station.name}: {done.fingerprint} {said}", ", ".join(done.signers))
    return done


def roll_back(line: LineSettings, station: StationSettings, why: str, by: str = "") -> DeployState:
    """To the bundle before; the state after. ConfigError where there is none, or where that one is
    no longer whole.
    """
    folder = folder_of(line.folder, station.name)
    require_state(folder, station)

    def back(state: DeployState) -> DeployState:
        after = rolled_back(state, why, by_hand=True)
        require_whole(open_bundle(named(station, after.active, folder)))
        return after

    before, after = change_state(folder, back)
    audit_of(line).append(
        by or person(),
        f"{station.name}: back from {label(before.active)} to {label(after.active)}",
        why,
    )
    return after


def switch(line: LineSettings, station: StationSettings, by: str = "") -> DeployState:
    """To the candidate, whether its shadow is done or not; ConfigError where there is none."""
    folder = folder_of(line.folder, station.name)
    require_state(folder, station)

    def switched(state: DeployState) -> DeployState:
        if not state.candidate:
            raise ConfigError(
                f"{station.name} has no candidate.", fix="Deploy a bundle with --shadow first."
            )
        return activated(state, state.candidate, state.limits)

    _, after = change_state(folder, switched)
    audit_of(line).append(by or person(), f"{station.name}: {label(after.active)} is active", "")
    return after


def withdraw(line: LineSettings, station: StationSettings, why: str, by: str = "") -> None:
    """The candidate, if there is one."""
    folder = folder_of(line.folder, station.name)
    change_state(
        folder, lambda state: refused(state, why, by_hand=True) if state.candidate else state
    )
    audit_of(line).append(by or person(), f"{station.name}: its candidate was withdrawn", why)


def probation_of(
    update: UpdateSettings, frames: int | None = None, band: tuple[float, float] | None = None
) -> Probation:
    """As line.toml says, but for what is given."""
    least, most = band or (update.least_rejects, update.most_rejects)
    return Probation(frames or update.first_frames, least, most)


def ending_of(line: LineSettings, station: StationSettings, done: Deployment) -> Ending:
    """How a deployment ends; waits for it. ConfigError where another one takes its place."""
    folder = folder_of(line.folder, station.name)
    while True:
        state = require_state(folder, station)
        if state.last and state.last.bundle == done.bundle and state.last.at >= done.began:
            return state.last
        if done.bundle not in state.held:
            raise ConfigError(
                f"{station.name} was given another bundle meanwhile.",
                fix=f"Run: slsg-edge deploy --status {station.name}",
            )
        time.sleep(_LOOK)


def line_process(folder: Path) -> int | None:
    """That of the line which has this folder, as far as it can be seen; None where none runs."""
    try:
        process = int(read_regular(folder / LOCK, _LONGEST_NUMBER).split()[0])
        os.kill(process, 0)
    except PermissionError:  # of another user
        return process
    except (OSError, ValueError, IndexError, OverflowError):
        return None
    return process


def require_state(folder: Path, station: StationSettings) -> DeployState:
    """ConfigError where nothing was deployed that line.toml still follows."""
    state = read_state(folder)
    if state is None or not applies(state, station, folder):
        raise ConfigError(
            f"Nothing is deployed to {station.name}: it runs {station.bundle}.",
            fix="Run: slsg-edge deploy BUNDLE --to line.toml STATION",
        )
    return state


def audit_of(line: LineSettings) -> AuditLog:
    return AuditLog(line.folder / AUDIT_FILE)


def person() -> str:
    with suppress(OSError, KeyError, ImportError):  # an account without a name
        return getpass.getuser()
    return "unknown"


def _begun(folder: Path, station: StationSettings) -> DeployState:
    """The state, with the bundle that line.toml names by now."""

    def begun(state: DeployState) -> DeployState:
        if applies(state, station, folder):
            return state
        return DeployState(configured(station, folder))

    return change_state(folder, begun)[1]


def _active_fingerprint(state: DeployState, station: StationSettings) -> str:
    """That the bundle had when it was deployed; empty where the one of line.toml is damaged."""
    if state.active != OF_LINE_TOML:
        return fingerprint_in(state.active)
    try:
        return fingerprint_of(open_bundle(station.bundle))
    except SlsgError:
        return ""


def _changed(state: DeployState, station: StationSettings, bundle: str, wish: Wish) -> DeployState:
    if wish.shadow is None:
        return activated(state, bundle, wish.probation)
    shadow = replace(wish.shadow, begun=time.time())
    return replace(state, candidate=bundle, shadow=shadow, limits=wish.probation)


def _staged(
    source: Path,
    folder: Path,
    place: Path,
    station: StationSettings,
    wish: Wish,
    state: DeployState,
    done: Deployment,
    say: Callable[[str], None],
) -> Deployment:
    copy = copied(source, place, signed=wish.signed)
    signers = tuple(f"{each.name} ({each.role})" for each in copy.trusted.signers)
    done = replace(done, fingerprint=copy.fingerprint, signers=signers)
    if _active_fingerprint(state, station) == copy.fingerprint:
        return replace(done, already=True)
    if not wish.anew and copy.fingerprint in state.refused:
        raise ConfigError(
            f"{copy.fingerprint} was refused here before.",
            fix="Deploy it by hand if it is wanted all the same.",
        )
    ready = staged(copy, folder, station, say)
    facts = ready.facts
    return replace(
        done,
        bundle=ready.name,
        backend=facts.backend,
        threshold=facts.threshold,
        notes=ready.notes,
    )
