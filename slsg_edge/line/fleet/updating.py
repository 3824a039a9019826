"""One look for new bundles: in the repository, and in the drop folder."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from slsg_edge.bounded import json_from, read_regular
from slsg_edge.bundle.archive import ARCHIVE_SUFFIX
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.region import fingerprint_of
from slsg_edge.errors import SlsgError, StorageError, UntrustedBundle
from slsg_edge.line.deploy.active import applies, bundle_of
from slsg_edge.line.deploy.deploying import Deployment, Wish, deploy, probation_of
from slsg_edge.line.deploy.state import Shadow, fingerprint_in, folder_of, read_state
from slsg_edge.line.fleet.pulling import (
    FOLDER,
    Pull,
    PullState,
    Repository,
    note_pull,
    product_of,
)
from slsg_edge.line.settings.line import LineSettings, StationSettings
from slsg_edge.storage import make_folder, write_atomically

_SEEN = "dropped.json"
_LIMIT = 2**20  # bytes
_HOUR = 3600.0  # seconds

Say = Callable[[str], None]


def pull(line: LineSettings, say: Say, *, signed: bool = False) -> Pull:
    """Takes what is new for the stations of a line, and notes how that went.

    signed: each bundle must be, by a key that this machine trusts. What is dropped must be in any
    case. Raises nothing for what is refused: that is what the note says.
    """
    said: list[str] = []
    state: PullState = "current"
    for look in (_from_repository, _from_folder):
        try:
            taken = look(line, say, signed)
            state = "taken" if taken and state == "current" else state
            said += taken
        except UntrustedBundle as error:
            state, said = "refused", [*said, error.what]
        except StorageError as error:
            state, said = "unreachable", [*said, error.what]
        except SlsgError as error:
            state, said = "trouble", [*said, error.what]
    return note_pull(line.folder, state, " ".join(said) or "nothing new")


def new_in(line: LineSettings) -> list[Path]:
    """Archives in the drop folder that were not looked at yet."""
    drop = line.update.drop
    if drop is None:
        return []
    seen = _seen(line.folder)
    with suppress(OSError):
        return [path for path in sorted(drop.glob(f"*{ARCHIVE_SUFFIX}")) if _mark(path) not in seen]
    return []


def _from_repository(line: LineSettings, say: Say, signed: bool) -> list[str]:
    if not line.update.repository:
        return []
    repository = Repository(line)
    taken = []
    for station in line.station:
        release = repository.release_for(station)
        if release is None or release.fingerprint in _known(line, station):
            continue
        say(f"{station.name}: {release.product} {release.fingerprint} is new")
        archive = repository.download(release)
        by = f"channel {line.update.channel}"
        done = deploy(archive, line, station, _wish(line, by, signed), say)
        taken += _told(done)
    return taken


def _from_folder(line: LineSettings, say: Say, _: bool) -> list[str]:
    taken, fault = [], None
    for archive in new_in(line):
        mark = _mark(archive)
        product = archive.name.removesuffix(ARCHIVE_SUFFIX)
        for station in (each for each in line.station if product_of(each) == product):
            say(f"{station.name}: {archive} was dropped")
            try:
                done = deploy(archive, line, station, _wish(line, "drop folder", True), say)
                taken += _told(done)
            except SlsgError as error:
                fault = error
        _note_seen(line.folder, mark)
    if fault is not None:
        raise fault
    return taken


def _known(line: LineSettings, station: StationSettings) -> Iterator[str]:
    """Fingerprints that there is nothing to do for."""
    folder = folder_of(line.folder, station.name)
    state = read_state(folder)
    if state is not None and applies(state, station, folder):
        yield from (*state.refused, fingerprint_in(state.candidate), fingerprint_in(state.active))
    if state is None or not state.active:
        with suppress(SlsgError):
            yield fingerprint_of(open_bundle(bundle_of(station, line.folder)))


def _wish(line: LineSettings, by: str, signed: bool) -> Wish:
    hours = line.update.shadow_hours
    shadow = Shadow(seconds=hours * _HOUR) if hours else None
    return Wish(probation_of(line.update), shadow, by, signed, anew=False)


def _told(done: Deployment) -> list[str]:
    if done.already:
        return []
    return [f"{done.station} gets {done.fingerprint}."]


def _mark(path: Path) -> str:
    """A file that is copied again, or not through yet, has another."""
    try:
        state = path.stat()
    except OSError:
        return ""
    return f"{path.name} {state.st_size} {state.st_mtime_ns}"


def _seen(line_folder: Path) -> list[str]:
    with suppress(OSError, ValueError):
        found = json_from(read_regular(line_folder / FOLDER / _SEEN, _LIMIT))
        return [str(each) for each in found] if isinstance(found, list) else []
    return []


def _note_seen(line_folder: Path, mark: str) -> None:
    make_folder(line_folder / FOLDER)
    marks = [*_seen(line_folder), mark][-100:]
    write_atomically(line_folder / FOLDER / _SEEN, json.dumps(marks).encode())
