"""The file of an outbox: SQLite with a write-ahead log, where a commit is on the disk.

A file that is damaged is put aside under another name, and what can be read of it is taken over.
"""

import errno
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from slsg_edge.errors import ConfigError, StorageError
from slsg_edge.storage import storage_error

NAME = "outbox.db"
_BESIDE = ("-wal", "-shm")  # what SQLite keeps beside it
_APPLICATION, _FORMAT = 0x534C5347, 1
_CHECKED = 64 * 2**20  # bytes up to which the whole file is read at the start
_PATIENCE = 1.0  # seconds for another program that holds the file

_TABLES = """
CREATE TABLE verdicts (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, station TEXT NOT NULL,
    verdict TEXT NOT NULL, at REAL NOT NULL, record TEXT NOT NULL);
CREATE INDEX verdicts_by_station ON verdicts (station);
CREATE INDEX verdicts_by_time ON verdicts (at);
CREATE INDEX verdicts_to_label ON verdicts (position) WHERE verdict <> 'good';
CREATE TABLE parts (digest BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, kind TEXT NOT NULL,
    station TEXT NOT NULL, state TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX events_by_time ON events (at);
CREATE TABLE sinks (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE sequences (station TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE labels (
    id TEXT PRIMARY KEY, label TEXT NOT NULL, person TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
_READ = (
    "SELECT position, id, station, verdict, at, record FROM verdicts",
    "SELECT position, at, kind, station, state, text FROM events",
    "SELECT digest FROM parts",
    "SELECT name, position FROM sinks",
    "SELECT station, last FROM sequences",
    "SELECT id, label, person, at FROM labels",
    "SELECT name, value FROM counters",
)
# What SQLite raises; its own messages may hold bytes of a damaged file that are no text.
FAILURES = (sqlite3.Error, UnicodeDecodeError)
_NAMES = ("counters", "sequences", "sinks", "labels", "parts", "events", "verdicts")


class Damaged(Exception):
    """The file is no outbox, or not a whole one."""


def opened(path: Path) -> sqlite3.Connection:
    """For writing. Damaged; ConfigError for a newer one; StorageError where nothing can be
    written.
    """
    connection = connected(path, create=True)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def connected(path: Path, create: bool) -> sqlite3.Connection:
    """For whatever thread; without `create` there must be a file."""
    address = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
    try:
        connection = sqlite3.connect(
            address, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
    except sqlite3.OperationalError as error:
        raise said_of(path, error) from error
    connection.text_factory = _text
    return connection


def _text(content: bytes) -> str:
    """Also of bytes that are no text: one damaged row must not hold up the others."""
    return content.decode("utf-8", "replace")


def said_of(path: Path, error: Exception) -> StorageError:
    """What to tell people of an error that is no damage."""
    full = errno.ENOSPC if "is full" in str(error) else 0
    return storage_error(path, OSError(full, str(error), str(path)))


def is_damage(error: Exception) -> bool:
    """Whether the file itself is wrong, and not the disk or the moment."""
    words = str(error)
    return isinstance(error, Damaged | UnicodeDecodeError) or any(
        wrong in words
        for wrong in ("malformed", "not a database", "no such table", "no such column")
    )


def put_aside(path: Path) -> Path:
    """Renames a database, with what lies beside it, to the first free name; OSError."""
    number = 1
    while (aside := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    path.rename(aside)
    for ending in _BESIDE:
        with suppress(FileNotFoundError):
            Path(f"{path}{ending}").rename(f"{aside}{ending}")
    return aside


def take_over(aside: Path, connection: sqlite3.Connection) -> int:
    """What can be read of a damaged database, row by row; how many verdicts that was."""
    taken = 0
    with suppress(*FAILURES), closing(sqlite3.connect(aside)) as damaged:
        damaged.text_factory = _text
        for name in _NAMES:
            taken = _copy(damaged, connection, name)
    return taken


def _copy(damaged: sqlite3.Connection, connection: sqlite3.Connection, name: str) -> int:
    """From the beginning up to the damage, then from the end back to it."""
    before = connection.total_changes
    for order in ("ASC", "DESC"):
        with suppress(*FAILURES), connection:
            connection.execute("BEGIN")
            with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
                for row in damaged.execute(f"SELECT * FROM {name} ORDER BY 1 {order}"):
                    marks = ", ".join("?" * len(row))
                    connection.execute(f"INSERT OR IGNORE INTO {name} VALUES ({marks})", row)
    return connection.total_changes - before


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    try:
        _require_ours(connection, path)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA wal_autocheckpoint=0")  # the writer does it when it has time
        connection.execute(f"PRAGMA journal_size_limit={16 * 2**20}")
        _make_tables(connection)
        for asked in _READ:
            connection.execute(f"{asked} LIMIT 0")
    except FAILURES as error:
        if is_damage(error):
            raise Damaged(str(error)) from error
        raise said_of(path, error) from error


def _require_ours(connection: sqlite3.Connection, path: Path) -> None:
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return
    if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
        raise Damaged("it holds something else than verdicts")
    if connection.execute("PRAGMA user_version").fetchone()[0] > _FORMAT:
        raise ConfigError(
            f"{path} was written by a newer slsg-edge.",
            fix="Install that one again, or give the line another folder.",
        )
    if path.stat().st_size <= _CHECKED:
        said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if said != "ok":
            raise Damaged(said)


def _make_tables(connection: sqlite3.Connection) -> None:
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return
    connection.executescript(
        f"BEGIN; PRAGMA application_id={_APPLICATION}; PRAGMA user_version={_FORMAT};"
        f"{_TABLES} COMMIT;"
    )
