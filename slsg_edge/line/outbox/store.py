"""The file that the writer writes, and another one in its place where need be."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from slsg_edge.line.outbox.database import (
    Damaged,
    opened,
    put_aside,
    take_over,
)
from slsg_edge.line.outbox.pending import Change, Verdict
from slsg_edge.line.outbox.state import State, bookkeeping

_RESTORED = "outbox.restored.db"
_VERDICT = "INSERT OR IGNORE INTO verdicts VALUES (?, ?, ?, ?, ?, ?)"
_PART = "INSERT OR IGNORE INTO parts VALUES (?)"
_CLEAR_AT, _CLEAR_LATEST = 4 * 2**20, 16 * 2**20  # bytes in the log
_COMMIT = 24 * 1024  # bytes that a transaction writes beside its verdicts, about
# What is wrong with one entry, and not with the file.
_UNFIT = (
    sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError, ValueError,
    OverflowError, TypeError,
)  # fmt: skip


class Store:
    """Used by one thread at a time. `let_go` closes whatever else has the file open."""

    def __init__(
        self, path: Path, state: State, let_go: Callable[[], None], say: Callable[[str], None]
    ) -> None:
        self._path, self._state, self._let_go, self._say = path, state, let_go, say
        self._in_log, self._is_open = 0, False
        path.with_name(_RESTORED).unlink(missing_ok=True)
        self._open()

    def write(self, batch: Sequence[Verdict | Change]) -> dict[int, int]:
        """All of it, or nothing and sqlite3.Error: the position by the index in `batch` of each
        verdict that was stored, which the others were not, since they are known.
        """
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            places = self._entered(batch)
            stored = [entry for entry in batch if isinstance(entry, Verdict)]
            durable = max([self._state.durable, *places.values()])
            sinks = self._state.sinks_to_write(durable)
            for statement, values in bookkeeping(stored, durable, sinks):
                connection.execute(statement, values)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        self._state.written.update(sinks)
        self._in_log += _COMMIT + sum(len(entry.text) for entry in stored)
        return places

    def clear_log(self, busy: bool) -> None:
        """Moves what the log holds into the file, sooner where nobody waits."""
        if self._in_log < (_CLEAR_LATEST if busy else _CLEAR_AT):
            return
        self._in_log = 0
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def mend(self, suspected: bool) -> None:
        """Sees to it that there is a file at the path, and that it is the one that is written.

        suspected: whether it could not be read. sqlite3.Error, OSError or SlsgError where that
        cannot be.
        """
        if not self._is_open:
            self._open()
        elif not self._is_there():
            self._restore()
        elif suspected:
            self.renew("it could not be read")

    def renew(self, why: str) -> None:
        """Puts a damaged file aside and takes over what can be read of it."""
        self.close()
        aside = put_aside(self._path)
        self._open_new(aside, why)

    def close(self) -> None:
        self._is_open = False
        self._let_go()
        with suppress(sqlite3.Error):
            self._connection.close()

    def _is_there(self) -> bool:
        """Whether the file is still the one at its path."""
        with suppress(OSError):
            there = self._path.stat()
            return (there.st_dev, there.st_ino) == self._inode
        return False

    def _restore(self) -> None:
        """After somebody removed or replaced the file while it was open: what it held is not lost,
        as long as it can still be read.
        """
        restored = self._path.with_name(_RESTORED)
        restored.unlink(missing_ok=True)
        try:
            self._connection.execute("VACUUM INTO ?", (str(restored),))
        except sqlite3.Error as error:
            if any(passing in str(error) for passing in ("is full", "unable to open")):
                raise
        self.close()
        if self._path.exists():
            self._say(f"Another file lay at {self._path}; it is now {put_aside(self._path)}.")
        self._remove_log()
        with suppress(FileNotFoundError):
            restored.replace(self._path)
        self._open()
        self._say(f"{self._path} was removed while the line ran, and was written anew.")

    def _open(self) -> None:
        try:
            self._use(opened(self._path))
        except Damaged as error:
            self._open_new(put_aside(self._path), str(error))

    def _open_new(self, aside: Path, why: str) -> None:
        connection = opened(self._path)
        taken = take_over(aside, connection)
        self._use(connection)
        self._say(
            f"{self._path} was damaged ({why}); it is now {aside}. {taken} verdicts were read "
            "from it."
        )

    def _use(self, connection: sqlite3.Connection) -> None:
        self._connection, self._is_open = connection, True
        there = self._path.stat()
        self._inode = there.st_dev, there.st_ino
        self._state.load(connection)

    def _remove_log(self) -> None:
        """It belongs to the file that was removed, and would be played into any other."""
        for ending in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{self._path}{ending}").unlink()

    def _entered(self, batch: Sequence[Verdict | Change]) -> dict[int, int]:
        places: dict[int, int] = {}
        last = self._state.durable
        for index, entry in enumerate(batch):
            try:
                if isinstance(entry, Change):
                    self._connection.execute(*entry.statement)
                elif self._is_new(entry, place := self._place(entry, last)):
                    places[index] = last = place
            except _UNFIT as error:
                self._say(f"An entry could not be stored: {error}.")
        return places

    def _place(self, verdict: Verdict, last: int) -> int:
        """Behind the last one: that of which somebody was told, or the next that is free."""
        free = last if verdict.position else max(last, self._state.position)
        return max(verdict.position, free + 1)

    def _is_new(self, verdict: Verdict, position: int) -> bool:
        run, record = self._connection.execute, verdict.record
        if verdict.digest is not None and not run(_PART, (verdict.digest,)).rowcount:
            return False
        stamps = position, record.id, record.station, record.verdict
        return bool(run(_VERDICT, (*stamps, verdict.at, verdict.text)).rowcount)
