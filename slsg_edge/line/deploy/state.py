"""`deploy.json`: which bundle a station runs, which ones it can go back to, and what is on trial.

It is replaced as a whole by one rename, and that is the switch: before it the station has the one
bundle, after it the other.
"""

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from slsg_edge.bounded import json_from, read_regular
from slsg_edge.config import settings_from_table, without_none
from slsg_edge.errors import ConfigError, StorageError
from slsg_edge.line.deploy import disk
from slsg_edge.storage import locked, storage_error

FILE, BUNDLES = "deploy.json", "bundles"
DIFFERENCES, PAGE = "differences", "index.html"  # where a candidate differs from the active one
OF_LINE_TOML = ""  # stands for the bundle that line.toml names, which is no copy of ours
KEPT = 3  # bundles, the active one among them
_VERSION, _LIMIT = 1, 2**20
_PATIENCE = 20.0  # seconds for another process that changes the state
_REMEMBERED = 20  # bundles that were refused

End: TypeAlias = Literal["kept", "rolled back", "refused"]


@dataclass(frozen=True, slots=True)
class Probation:
    """The first frames of a bundle. frames: how many; least, most: the share that may be not good.

    seen, rejected: how many so far. starts: how often a line began with it.
    """

    frames: int
    least: float
    most: float
    seen: int = 0
    rejected: int = 0
    starts: int = 0


@dataclass(frozen=True, slots=True)
class Shadow:
    """A candidate that sees the frames of the active bundle. It ends after `frames` or `seconds`.

    hold: it is not switched to by itself. compared, differ, rejected: frames so far, those with
    another verdict, those that it did not pass. skipped: frames that it was too late for.
    """

    frames: int = 0
    seconds: float = 0.0
    hold: bool = False
    begun: float = 0.0
    compared: int = 0
    differ: int = 0
    rejected: int = 0
    skipped: int = 0
    done: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How the last deployment ended. at: UTC seconds. by_hand: a person wanted it so."""

    bundle: str
    end: End
    why: str
    at: float
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class DeployState:
    """Of one station; bundles by the names of their folders.

    configured: the bundle of line.toml at the first deployment, as it lies to this file. Where
    line.toml names another one since, that one runs. active: what runs, `OF_LINE_TOML` for the
    configured one. previous: what ran before, newest first. candidate: with its `shadow`. limits:
    of the probation that follows. refused: fingerprints that were refused here, newest first.
    """

    configured: str = ""
    active: str = OF_LINE_TOML
    previous: tuple[str, ...] = ()
    candidate: str = ""
    shadow: Shadow | None = None
    limits: Probation | None = None
    probation: Probation | None = None
    last: Ending | None = None
    refused: tuple[str, ...] = ()
    version: int = _VERSION

    @property
    def held(self) -> frozenset[str]:
        """The copies that must stay on the disk."""
        return frozenset({self.active, self.candidate, *self.previous}) - {OF_LINE_TOML}


def folder_of(line_folder: Path, station: str) -> Path:
    """Where the bundles of a station and its state are."""
    return line_folder / BUNDLES / station


def read_state(folder: Path) -> DeployState | None:
    """None where nothing was deployed; ConfigError for a file that is not ours."""
    path = folder / FILE
    try:
        table = json_from(read_regular(path, _LIMIT))
        if not isinstance(table, dict) or table.get("version") != _VERSION:
            raise ValueError("it is of another version")
        return _required(settings_from_table(DeployState, without_none(table), str(path)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, ConfigError) as error:
        raise ConfigError(
            f"{path} cannot be used: {error}.".replace("..", "."),
            fix=f"Remove {path}: the station then runs the bundle that line.toml names. Deploy "
            "another one from there.",
        ) from error


def change_state(
    folder: Path, update: Callable[[DeployState], DeployState]
) -> tuple[DeployState, DeployState]:
    """The state before and after; on the disk when this returns. StorageError, ConfigError."""
    try:
        with locked(folder, _PATIENCE, _busy(folder)):
            before = read_state(folder) or DeployState()
            after = update(before)
            if after != before:
                _write(folder, after)
            return before, after
    except OSError as error:
        raise storage_error(folder, error) from error


def activated(state: DeployState, bundle: str, probation: Probation | None) -> DeployState:
    """With another bundle active. The one before is the first to go back to, unless it was still
    on probation itself.
    """
    proven = () if state.probation else (state.active,)
    previous = [name for name in (*proven, *state.previous) if name != bundle]
    return replace(
        state,
        active=bundle,
        previous=tuple(dict.fromkeys(previous))[: KEPT - 1],
        candidate="",
        shadow=None,
        limits=None,
        probation=probation,
    )


def rolled_back(state: DeployState, why: str, *, by_hand: bool = False) -> DeployState:
    """With the bundle before; ConfigError where there is none."""
    if not state.previous:
        raise ConfigError("There is no bundle to go back to.", fix="Deploy another one.")
    back, *older = state.previous
    return replace(
        state,
        active=back,
        previous=tuple(older),
        probation=None,
        last=Ending(state.active, "rolled back", why, time.time(), by_hand),
        refused=_with(state.refused, state.active),
    )


def refused(state: DeployState, why: str, *, by_hand: bool = False) -> DeployState:
    """Without its candidate."""
    return replace(
        state,
        candidate="",
        shadow=None,
        limits=None,
        last=Ending(state.candidate, "refused", why, time.time(), by_hand),
        refused=_with(state.refused, state.candidate),
    )


def kept(state: DeployState) -> DeployState:
    """With the probation passed."""
    probation = state.probation
    why = f"{probation.rejected} of {probation.seen} parts were not good" if probation else ""
    return replace(state, probation=None, last=Ending(state.active, "kept", why, time.time()))


def fingerprint_in(bundle: str) -> str:
    """That the bundle had when it was deployed; its threshold may have been changed since."""
    return bundle.removesuffix(".slsg").partition("-")[0]


def _with(refused: tuple[str, ...], bundle: str) -> tuple[str, ...]:
    if bundle == OF_LINE_TOML:
        return refused
    return tuple(dict.fromkeys((fingerprint_in(bundle), *refused)))[:_REMEMBERED]


def _required(state: DeployState) -> DeployState:
    """ValueError for names that lead out of the folder."""
    for name in (state.active, state.candidate, *state.previous):
        if name != Path(name).name and name != OF_LINE_TOML:
            raise ValueError(f"{name[:60]!a} is no name of a bundle")
    return state


def _write(folder: Path, state: DeployState) -> None:
    temporary = folder / f"{FILE}.new"
    with temporary.open("wb") as file:
        disk.append(file, json.dumps(dataclasses.asdict(state), indent=1).encode())
        disk.sync_file(file)
    disk.rename(temporary, folder / FILE)
    disk.sync_folder(folder)


def _busy(folder: Path) -> StorageError:
    return StorageError(
        f"Another process has been changing {folder} for {_PATIENCE:.0f} seconds.",
        fix="Wait until it has ended, then run this one again.",
    )
