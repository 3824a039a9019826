"""Verdicts on the disk before any sink sees them, and everything that is asked about them later.

Order is by position, never by time: the clock of a line may jump.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from slsg_edge.errors import ConfigError, SlsgError, StorageError
from slsg_edge.line.outbox.ballast import Ballast
from slsg_edge.line.outbox.database import FAILURES, NAME, said_of
from slsg_edge.line.outbox.entries import Event, EventKind, Stored
from slsg_edge.line.outbox.pending import Change, Pending, Verdict, digest_of
from slsg_edge.line.outbox.reader import Reader
from slsg_edge.line.outbox.rows import seconds_of, text_of
from slsg_edge.line.outbox.state import State
from slsg_edge.line.outbox.store import Store
from slsg_edge.line.outbox.telling import MOST, Teller
from slsg_edge.line.outbox.writer import Writer
from slsg_edge.line.records import Record
from slsg_edge.runtime.reasons import described, one_line
from slsg_edge.storage import make_folder, require_outside_bundles, storage_error, take_lock

LOCK = "outbox.lock"  # holds the number of the process that has the outbox
_BALLAST = "outbox.reserve"
_DRAIN = 2.0  # seconds
_AT_ONCE = 500  # verdicts that are pruned in one transaction: others wait that long
_PRUNING = 2.0  # seconds
_PATIENCE = 5.0  # seconds that a person waits for a label
_EVENT = "INSERT INTO events (at, kind, station, state, text) VALUES (?, ?, ?, ?, ?)"
_PRUNE = "DELETE FROM verdicts WHERE position IN (SELECT value FROM json_each(?))"
_PRUNE_EVENTS = "DELETE FROM events WHERE at < ?"
_LABEL = "INSERT OR REPLACE INTO labels VALUES (?, ?, ?, ?)"
_UNLABEL = "DELETE FROM labels WHERE id = ?"


class Outbox:
    """Thread-safe. One process at a time has the outbox of a folder."""

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        """ConfigError where another line has it; StorageError where nothing can be written."""
        require_outside_bundles(folder)
        make_folder(folder)
        self._warn, self._state = warn, State()
        self._lock = _locked(folder)
        self._reader = Reader(folder / NAME, self._suspect)
        self._ballast = Ballast(folder / _BALLAST)
        try:
            self._store = self._opened(folder / NAME)
        except BaseException:
            os.close(self._lock)
            raise
        self._path, self._closing = folder / NAME, threading.Lock()
        self._teller = Teller(self._state, self._reader.knows)
        told = self._said, self._disk, self._teller
        self._writer = Writer(self._store, self._state, self._ballast, *told)
        self._writer.start()

    @property
    def trouble(self) -> str | None:
        """Why nothing can be stored just now; None where verdicts are."""
        return self._state.trouble

    @property
    def last_position(self) -> int:
        """Of the newest verdict that somebody was told of."""
        with self._state.changed:
            return self._state.position

    def last_sequence(self, station: str) -> int:
        with self._state.changed:
            return self._state.sequences.get(station, 0)

    def put(self, record: Record, part: str | None = None) -> Pending:
        """Returns at once and never raises. A part that has a verdict already gets no other."""
        pending = Pending(self._state.changed)
        digest = None if part is None else digest_of(record.station, part)
        text, at = text_of(record), seconds_of(record.captured_at)
        with self._state.changed:
            last = self._state.sequences.get(record.station, 0)
            self._state.sequences[record.station] = max(last, record.sequence)
        self._append(Verdict(pending, record, text, at, digest))
        return pending

    def event(self, kind: EventKind, station: str, state: str, text: str) -> None:
        """As `put`."""
        words = (one_line(word).encode(errors="replace").decode() for word in (state, text))
        self._change(_EVENT, time.time(), kind, station, *words)

    def flush(self, timeout: float) -> bool:
        """Whether everything is on the disk, at the latest after so many seconds."""
        state = self._state
        with state.changed:
            return state.changed.wait_for(lambda: not state.waiting, timeout)

    def after(
        self, position: int, limit: int, stations: Collection[str] | None = None
    ) -> list[Stored]:
        """In order. Those that the disk does not take just now are given too, as not durable.

        StorageError where the file cannot be read.
        """
        waiting = self._state.told_after(position)  # before the look: they may be stored meanwhile
        found = self._reader.after(position, limit, stations)
        last = found[-1].position if found else position
        more = [one for one in waiting if one.position > last and _is_of(one, stations)]
        return [*found, *more][:limit]

    def between(self, start: float, end: float, station: str | None = None) -> Iterator[Stored]:
        """Captured from `start` on and before `end`, in UTC seconds."""
        return self._reader.between(start, end, station)

    def events(
        self, start: float = 0.0, end: float | None = None, limit: int = 1000
    ) -> list[Event]:
        """Newest first."""
        return self._reader.events(start, end, limit)

    def register(self, sink: str) -> int:
        """How far a sink is; one that is new begins with the verdicts from now on."""
        with self._state.changed:
            self._state.used.add(sink)
            return self._state.sinks.setdefault(sink, self._state.position)

    def position_of(self, sink: str) -> int:
        with self._state.changed:
            return self._state.sinks.get(sink, 0)

    def advance(self, sink: str, position: int) -> None:
        """Remembered at once, and on the disk within a second or two; never goes back."""
        with self._state.changed:
            self._state.used.add(sink)
            self._state.sinks[sink] = max(position, self._state.sinks.get(sink, 0))

    def waiting(self, sink: str, stations: Collection[str] | None = None) -> int:
        """Verdicts that the sink has not taken yet."""
        position = self.position_of(sink)
        if stations is None:
            return max(self.last_position - position, 0)
        told = sum(_is_of(one, stations) for one in self._state.told_after(position))
        return self._reader.count_after(position, stations) + told

    def seen(self, station: str, part: str) -> bool:
        """Whether that part has a verdict, or gets one."""
        digest = digest_of(station, part)
        with self._state.changed:
            if digest in self._state.digests:
                return True
        return self._reader.knows(digest)

    def label(self, verdict_id: str, label: Literal["good", "bad"] | None, by: str) -> None:
        """What a person found; None takes it back. ConfigError where there is no such verdict,
        StorageError where the label is not on the disk within five seconds.
        """
        if self.find(verdict_id) is None:
            raise ConfigError(
                f"There is no verdict {verdict_id}.",
                fix="Load the page again; old verdicts are removed after a while.",
            )
        if label is None:
            pending = self._change(_UNLABEL, verdict_id)
        else:
            pending = self._change(_LABEL, verdict_id, label, by, time.time())
        if not pending.wait(_PATIENCE):
            said = self.trouble or "The disk has not taken it yet."
            raise StorageError(f"The label is not stored: {said}", fix="Try again in a minute.")

    def labels(self) -> dict[str, str]:
        """`good` or `bad` by the id of a verdict."""
        return self._reader.labels()

    def rejects(self, limit: int, before: int | None = None) -> list[Stored]:
        """What is not good, newest first; before: a position, for the next page."""
        return self._reader.rejects(limit, before)

    def find(self, verdict_id: str) -> Stored | None:
        return self._reader.find(verdict_id)

    def prune(self, before: float) -> int:
        """Removes verdicts that are older and that every sink has taken, and older events; how
        many verdicts. The parts that were seen stay known. After two seconds the rest is left for
        the next time.
        """
        pruned, found, end = 0, self._old(before), time.monotonic() + _PRUNING
        while found and time.monotonic() < end:
            pending = self._change(_PRUNE, json.dumps(found))
            if not pending.wait(max(end - time.monotonic(), 0)):
                return pruned
            pruned += len(found)
            found = self._old(before)
        self._change(_PRUNE_EVENTS, before)
        return pruned

    def subscribe(self, told: Callable[[Stored], None]) -> None:
        """Called in order, in the writer's thread, once the disk has a verdict, or does not take
        it. It must return fast.
        """
        self._teller.subscribers.append(told)

    def close(self) -> None:
        """What is not on the disk within two seconds is lost, and told."""
        with self._closing:
            if self._state.closed:
                return
            if not self.flush(_DRAIN):
                with suppress(Exception):
                    self._warn(f"warning: {len(self._state.waiting)} verdicts were not stored.")
            with self._state.changed:
                self._state.closed = True
                self._state.changed.notify_all()
            self._writer.join(_DRAIN)
            self._reader.end()
            if not self._writer.is_alive():  # else it hangs in a write, and ends with the process
                os.close(self._lock)

    def _append(self, entry: Verdict | Change) -> None:
        """Also the writer drops what is too much, but it may hang in a write."""
        if len(self._state.waiting) < 2 * MOST:
            self._state.append(entry)
        else:
            self._state.lost += isinstance(entry, Verdict)

    def _change(self, statement: str, *values: Any) -> Pending:
        pending = Pending(self._state.changed)
        self._append(Change(pending, (statement, values)))
        return pending

    def _old(self, before: float) -> list[int]:
        with self._state.changed:
            taken = [self._state.sinks[name] for name in self._state.used]
            position = min([*taken, self._state.durable])
        return self._reader.old(before, position, _AT_ONCE)

    def _opened(self, path: Path) -> Store:
        for full in (False, True):
            try:
                return Store(path, self._state, self._reader.close, self._put_aside)
            except StorageError:
                if full or not self._ballast.give_up():
                    raise
            except OSError as error:
                raise storage_error(path, error) from error
        raise AssertionError("the second try returns or raises")

    def _suspect(self) -> None:
        self._writer.suspected = True

    def _said(self, error: Exception) -> str:
        if isinstance(error, FAILURES):
            return str(said_of(self._path, error))
        text = one_line(described(error))
        return text if isinstance(error, SlsgError) else f"{text.rstrip('.')}."

    def _put_aside(self, text: str) -> None:
        with suppress(Exception):
            self._warn(f"warning: {text}")
        self.event("disk", "", "damaged", text)

    def _disk(self, state: str, text: str) -> None:
        with suppress(Exception):
            self._warn(f"{'note' if state == 'ok' else 'warning'}: {text}")
        self.event("disk", "", state, text)


def _is_of(stored: Stored, stations: Collection[str] | None) -> bool:
    return stations is None or stored.record.station in stations


def _locked(folder: Path) -> int:
    """A descriptor that holds the lock."""
    path = folder / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise storage_error(path, error) from error
    if not take_lock(descriptor):
        holder = os.read(descriptor, 20).decode(errors="replace").strip()
        os.close(descriptor)
        raise ConfigError(
            f"Another line (process {holder}) keeps its verdicts in {folder}.",
            fix="Stop that one, or give each line a folder of its own.",
        )
    with suppress(OSError):  # a full disk: then nobody can say who holds it
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
