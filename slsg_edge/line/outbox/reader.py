"""Looks into the file of an outbox, from whatever thread, beside the one that writes."""

import json
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from slsg_edge.errors import StorageError
from slsg_edge.line.outbox.database import FAILURES, connected, is_damage, said_of
from slsg_edge.line.outbox.entries import Event, Stored
from slsg_edge.line.outbox.rows import stored_from

Rows: TypeAlias = list[tuple[Any, ...]]

_PAGE = 500  # verdicts that are in memory at once
_EVER = 2**62
_STORED = "SELECT position, record, id, station FROM verdicts"
# The plus keeps SQLite from the index of stations: it would sort all that wait.
_AFTER = f"{_STORED} WHERE position > ?"
_OF_STATIONS = " AND +station IN (SELECT value FROM json_each(?))"
_COUNT = "SELECT count(*) FROM verdicts WHERE position > ?"


class Reader:
    """One connection for all, since each takes descriptors. `damaged` is told of a damaged file."""

    def __init__(self, path: Path, damaged: Callable[[], None]) -> None:
        self._path, self._damaged = path, damaged
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._ended = False

    def after(self, position: int, limit: int, stations: Collection[str] | None) -> list[Stored]:
        asked, values = _AFTER, [position, limit]
        if stations is not None:
            asked, values = _AFTER + _OF_STATIONS, [position, _names(stations), limit]
        return self._stored(f"{asked} ORDER BY position LIMIT ?", values)

    def count_after(self, position: int, stations: Collection[str]) -> int:
        """SQLite counts in the index of stations, and reads no verdict."""
        wanted = " AND station IN (SELECT value FROM json_each(?))"
        found: int = self.rows(_COUNT + wanted, (position, _names(stations)))[0][0]
        return found

    def between(self, start: float, end: float, station: str | None) -> Iterator[Stored]:
        """By position, a page at a time, so that nobody holds up the writer's clearing."""
        ends = "SELECT min(position), max(position) FROM verdicts WHERE at >= ? AND at < ?"
        first, last = self.rows(ends, (start, end))[0]
        stations = None if station is None else [station]
        wanted = _OF_STATIONS if stations else ""
        asked = f"{_AFTER} AND position <= ? AND at >= ? AND at < ?{wanted} ORDER BY position"
        position = (first or 0) - 1
        while last is not None and position < last:
            values = [position, last, start, end, *([_names(stations)] if stations else [])]
            page = self._stored(f"{asked} LIMIT {_PAGE}", values)
            yield from page
            position = page[-1].position if len(page) == _PAGE else last

    def rejects(self, limit: int, before: int | None) -> list[Stored]:
        asked = f"{_STORED} WHERE verdict <> 'good' AND position < ?"
        before = _EVER if before is None else before
        return self._stored(f"{asked} ORDER BY position DESC LIMIT ?", (before, limit))

    def find(self, verdict_id: str) -> Stored | None:
        return next(iter(self._stored(f"{_STORED} WHERE id = ?", (verdict_id,))), None)

    def events(self, start: float, end: float | None, limit: int) -> list[Event]:
        asked = "SELECT * FROM events WHERE at >= ? AND at < ? ORDER BY position DESC LIMIT ?"
        until = float("inf") if end is None else end
        return [Event(*row) for row in self.rows(asked, (start, until, limit))]

    def labels(self) -> dict[str, str]:
        return dict(self.rows("SELECT id, label FROM labels"))

    def knows(self, digest: bytes) -> bool:
        return bool(self.rows("SELECT 1 FROM parts WHERE digest = ?", (digest,)))

    def old(self, before: float, position: int, limit: int) -> list[int]:
        """Positions of verdicts up to `position` that are older than that."""
        asked = "SELECT position FROM verdicts WHERE at < ? AND position <= ? LIMIT ?"
        return [row[0] for row in self.rows(asked, (before, position, limit))]

    def rows(self, asked: str, values: Sequence[Any] = ()) -> Rows:
        """StorageError where the file cannot be read."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = connected(self._path, create=False)
                return self._connection.execute(asked, values).fetchall()
            except FAILURES as error:
                self._forget()
                raise self._said(error) from error
            finally:
                if self._ended:
                    self._forget()

    def end(self) -> None:
        """From now on nothing stays open: who looks still opens the file for that look alone."""
        self._ended = True
        self.close()

    def close(self) -> None:
        """Also where another file takes its place: the next look opens that one."""
        with self._lock:
            self._forget()

    def _stored(self, asked: str, values: Sequence[Any]) -> list[Stored]:
        return [stored_from(*row) for row in self.rows(asked, values)]

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _said(self, error: Exception) -> StorageError:
        if not is_damage(error):
            return said_of(self._path, error)
        self._damaged()
        return StorageError(
            f"{self._path} is damaged: {error}.",
            fix="It is put aside, and a new one takes what can be read; try again.",
        )


def _names(stations: Collection[str]) -> Any:
    return json.dumps(sorted(stations))
