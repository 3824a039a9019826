"""Which files of a folder are there whole, however their writer goes about it.

A file is done when its size and time have not changed for SETTLED seconds, when a file NAME.done
lies beside it, or when it got its name long after its last byte, as a renamed one did.
"""

import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from slsg_edge.data.left_out import file_reason, is_litter
from slsg_edge.data.listing import natural
from slsg_edge.data.names import printable
from slsg_edge.images import is_image

SETTLED = 0.3  # seconds
MARK = ".done"
_AGAIN = 0.1  # seconds after a change of the folder in which its time may say nothing of another
_LIST_EVERY = 2.0  # seconds: times of a network share may be coarse
_SWEEP = 25  # files of which a look asks whether they were written anew

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """What changes when a file is written to."""

    size: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file that its writer is done with.

    since: from when it has not changed, in seconds of the monotonic clock. marked: its writer said
    that it is done.
    """

    path: Path
    identity: Identity
    since: float
    marked: bool = False

    @property
    def part(self) -> str:
        name = printable(self.path.name)
        return f"{name}:{self.identity.size}:{self.identity.time_ns}"


@dataclass(slots=True)
class _Pending:
    identity: Identity
    since: float
    not_before: float


class DropScan:
    """Looks at one folder again and again; a look at one in which nothing changes costs little."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Identity] = {}  # files that were told of
        self._pending: dict[str, _Pending] = {}
        self._time: int | None = None
        self._changed_at = self._listed_at = 0.0
        self._told: set[str] = set()
        self._swept: Iterator[str] = iter(())

    @property
    def busy(self) -> bool:
        return bool(self._pending)

    def look(self, now: float) -> list[Dropped]:
        """What is done since the last look, oldest first. OSError where the folder is not there."""
        if self._is_to_list(now):
            self._list(now)
        self._sweep(now)
        found = [done for name in list(self._pending) if (done := self._settled(name, now))]
        for one in found:
            self._known[one.path.name] = one.identity
            del self._pending[one.path.name]
        return sorted(found, key=lambda one: (one.identity.time_ns, natural(one.path)))

    def again(self, dropped: Dropped, not_before: float) -> None:
        """What could not be read is told of once more, at that time or when it was written to."""
        self._known.pop(dropped.path.name, None)
        self._pending[dropped.path.name] = _Pending(dropped.identity, dropped.since, not_before)

    def _is_to_list(self, now: float) -> bool:
        changed = os.stat(self._folder).st_mtime_ns  # noqa: PTH116 (a path object costs more)
        if changed != self._time:
            self._time, self._changed_at = changed, now
        return now - self._changed_at < _AGAIN or now - self._listed_at > _LIST_EVERY

    def _list(self, now: float) -> None:
        with os.scandir(self._folder) as entries:
            names = {entry.name for entry in entries}
        self._listed_at = now
        self._known = {name: known for name, known in self._known.items() if name in names}
        for name in names - self._known.keys() - self._pending.keys() - self._told:
            if is_litter(name) or name.startswith("~") or name.endswith("~"):
                continue
            if is_image(self._folder / name):
                self._await(name, now)
            else:
                self._tell(name)

    def _await(self, name: str, now: float) -> None:
        state = _stat(self._folder / name)
        if state is not None:
            renamed = state.st_ctime_ns - state.st_mtime_ns >= SETTLED * 1e9 and state.st_size > 0
            since = now - SETTLED if renamed else now
            self._pending[name] = _Pending(_identity(state), since, now)

    def _tell(self, name: str) -> None:
        """Whatever might be thought to be a picture does not go without a word."""
        self._told.add(name)
        if why := file_reason(self._folder / name):
            _log.warning("%s is not inspected: it is %s.", printable(self._folder / name), why)

    def _sweep(self, now: float) -> None:
        """A few of the known files each time: writing into one does not change the folder."""
        swept = list(islice(self._swept, _SWEEP))
        if len(swept) < _SWEEP:
            self._swept = iter(list(self._known))
        for name in swept:
            state = _stat(f"{self._folder}{os.sep}{name}")
            known = self._known.get(name)
            if state is not None and known is not None and _identity(state) != known:
                del self._known[name]
                self._pending[name] = _Pending(_identity(state), now, now)

    def _settled(self, name: str, now: float) -> Dropped | None:
        path, pending = self._folder / name, self._pending[name]
        state = _stat(path)
        if state is None:
            del self._pending[name]
            return None
        if _identity(state) != pending.identity:
            self._pending[name] = pending = _Pending(_identity(state), now, now)
        marked = _is_marked(path, state)
        settled = now - pending.since >= SETTLED and now >= pending.not_before
        return Dropped(path, pending.identity, pending.since, marked) if marked or settled else None


def marks_of(path: Path) -> tuple[Path, Path]:
    """What lies beside a file whose writer says that it is done: `7.png.done` or `7.done`."""
    return path.with_name(path.name + MARK), path.with_suffix(MARK)


def identity_of(path: Path) -> Identity | None:
    """None where it is gone."""
    state = _stat(path)
    return None if state is None else _identity(state)


def _is_marked(path: Path, state: os.stat_result) -> bool:
    """A mark that is older than the file was for what the file held before."""
    marks = (_stat(mark) for mark in marks_of(path))
    return any(mark is not None and mark.st_mtime_ns >= state.st_mtime_ns for mark in marks)


def _identity(state: os.stat_result) -> Identity:
    return Identity(state.st_size, state.st_mtime_ns)


def _stat(path: Path | str) -> os.stat_result | None:
    """None for what is no ordinary file, or gone."""
    try:
        state = os.stat(path)  # noqa: PTH116 (asked often)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return state if stat.S_ISREG(state.st_mode) else None
