"""Who changed what, when and why: lines that are only ever appended, each bound to the one before.

Each line holds the sha256 of the whole line before it, so that a line that is changed, removed or
put in between shows. Whoever may write the file could make the whole chain anew, or cut its end:
against that helps only a copy elsewhere, as of the last line.
"""

import errno
import fcntl
import hashlib
import json
import os
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO

from slsg_edge.errors import StorageError
from slsg_edge.storage import storage_error

FIRST = "0" * 64  # what stands in the first line for the one before
_LONGEST = 1000  # characters of one text
_TAIL = 2**16  # bytes that hold the last line in any case
_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change. at: UTC, ISO 8601. before: sha256 of the line before."""

    at: str
    who: str
    what: str
    why: str
    before: str


@dataclass(frozen=True, slots=True)
class Chain:
    """What a log is worth. entries: its lines, up to the first that is broken.

    head: the sha256 of the last of them, which the next line will hold. broken: the number of the
    first line, from 1, that does not follow from those before it. holds_head: whether the head
    that was asked for is that of one of them.
    """

    entries: int
    head: str
    broken: int | None
    holds_head: bool = True

    @property
    def whole(self) -> bool:
        return self.broken is None and self.holds_head


class AuditLog:
    """A file of JSON Lines; several processes may append to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def append(self, who: str, what: str, why: str) -> None:
        """On the disk when this returns; StorageError where it is not."""
        try:
            with self._lock, self._path.open("a+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
                last = _last_line(file)
                entry = _entry(who, what, why, last)
                # what a power cut left of a line stays there, and is bound like any other
                _write(file, (b"\n" if last and not last.endswith(b"\n") else b"") + entry)
                os.fsync(file.fileno())
        except OSError as error:
            raise storage_error(self._path, error) from error

    def verify(self) -> int | None:
        """The number of the first line, from 1, that does not follow from those before it."""
        return self.chain().broken

    def chain(self, head: str | None = None) -> Chain:
        """head: of an earlier copy, which must be that of one of its lines."""
        before, found, number = FIRST, head in (None, FIRST), 0
        for number, line in enumerate(self._lines(), 1):
            if not line.endswith(b"\n") or not _follows(line, before):
                return Chain(number - 1, before, number, found)
            before = _digest(line)
            found = found or before == head
        return Chain(number, before, None, found)

    def content(self) -> bytes:
        """All of it, without a line that is being written; StorageError as `append`."""
        try:
            with self._path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                return file.read()
        except OSError as error:
            raise storage_error(self._path, error) from error

    def newest(self, limit: int) -> list[AuditEntry]:
        """Newest first, without lines that are damaged."""
        lines = deque(self._lines(), maxlen=limit)
        return [entry for line in reversed(lines) if (entry := _read(line)) is not None]

    def _lines(self) -> Iterator[bytes]:
        """A line that is longer than any of ours comes in pieces, which follow from nothing."""
        try:
            with self._path.open("rb") as file:
                while line := file.readline(_BLOCK):
                    yield line
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(
                f"The audit log {self._path} cannot be read: {error.strerror}.",
                fix="Check the file and its permissions.",
            ) from error


def _last_line(file: BinaryIO) -> bytes:
    """With its end, where it has one."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    return tail[tail.rfind(b"\n", 0, -1) + 1 :]


def _entry(who: str, what: str, why: str, last: bytes) -> bytes:
    whole = last if last.endswith(b"\n") or not last else last + b"\n"
    entry = {
        "at": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        **{key: _text(text) for key, text in (("who", who), ("what", what), ("why", why))},
        "before": _digest(whole) if whole else FIRST,
    }
    return json.dumps(entry).encode() + b"\n"


def _write(file: BinaryIO, content: bytes) -> None:
    """All of it in one piece, or none: half a line would be taken for a change of the file."""
    size = file.seek(0, os.SEEK_END)
    try:
        written = file.write(content)
        if written != len(content):
            raise OSError(errno.ENOSPC, "No space left on device")
    except OSError:
        file.truncate(size)
        raise


def _text(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _follows(line: bytes, before: str) -> bool:
    entry = _read(line)
    return entry is not None and entry.before == before


def _read(line: bytes) -> AuditEntry | None:
    try:
        found = json.loads(line)
        entry = AuditEntry(**found)
    except (ValueError, TypeError, RecursionError):
        return None
    return entry if all(isinstance(value, str) for value in found.values()) else None
