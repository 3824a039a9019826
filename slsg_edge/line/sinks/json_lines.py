"""Inspections as JSON Lines, in a file or on standard output."""

import io
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from slsg_edge.errors import ConfigError
from slsg_edge.line.records import Inspection, json_line
from slsg_edge.line.sinks.line_queue import LineQueue
from slsg_edge.line.sinks.sink import warn_on_stderr
from slsg_edge.storage import require_outside_bundles, storage_error, take_lock

_HEAD = 2**16  # bytes: a record takes 400


class JsonLinesFile:
    """Appends to a file, each record in the operating system's hands before the next frame.

    While the disk takes nothing, records wait. The file is this watch's alone. It is opened again
    when another one is at its path, or none, as after a rotation.
    """

    name, essential = "records", True

    def __init__(self, path: Path, warn: Callable[[str], None] = warn_on_stderr) -> None:
        """ConfigError for what is no file of records, StorageError where nothing can be written."""
        require_outside_bundles(path)
        self._file = _Appended(path)
        self._queue = LineQueue(self._file, warn)

    @property
    def unwritten(self) -> int:
        """Records that are not in the file."""
        return self._queue.unwritten

    def write(self, inspection: Inspection) -> None:
        self._queue.put(json_line(inspection.record).encode())

    def drain(self) -> None:
        self._queue.drain()

    def close(self) -> None:
        self._queue.close()


class JsonLinesOutput:
    """Writes to standard output, line by line for whoever reads along; to one who does not read,
    records wait.
    """

    name, essential = "records", True

    def __init__(self, warn: Callable[[str], None] = warn_on_stderr) -> None:
        sys.stdout.flush()
        self._queue = LineQueue(_Stdout(), warn) if _has_descriptor() else None

    @property
    def unwritten(self) -> int:
        """Records that nobody has taken."""
        return self._queue.unwritten if self._queue else 0

    def write(self, inspection: Inspection) -> None:
        """ReaderGone when nobody reads any more."""
        if self._queue:
            self._queue.put(json_line(inspection.record).encode())
        else:
            sys.stdout.write(json_line(inspection.record))

    def drain(self) -> None:
        if self._queue:
            self._queue.drain()

    def close(self) -> None:
        """Standard output itself is not ours to close."""
        if self._queue:
            self._queue.close()


class _Stdout:
    path = Path("standard output")

    def __init__(self) -> None:
        self.descriptor = sys.stdout.fileno()

    def renewed(self, sent: int) -> bool:
        return False

    def forget(self, count: int) -> None:
        """What is in a pipe or on a terminal cannot be taken back; in a file it can."""
        _cut(self.descriptor, count)

    def close(self) -> None:
        """It is not ours to close."""


class _Appended:
    """A file that is opened to append; unlocked where the system has no locks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.descriptor = self._opened()
        except OSError as error:
            raise storage_error(path, error) from error

    def renewed(self, sent: int) -> bool:
        if self._is_at_its_path():
            return False
        opened = self._opened()
        with suppress(OSError):
            self.forget(sent)
        os.close(self.descriptor)
        self.descriptor = opened
        return True

    def forget(self, count: int) -> None:
        _cut(self.descriptor, count)

    def close(self) -> None:
        os.close(self.descriptor)

    def _is_at_its_path(self) -> bool:
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self.descriptor))
        except FileNotFoundError:
            return False

    def _opened(self) -> int:
        """OSError, or ConfigError for what records may not be appended to."""
        _require_records(self.path)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(self.path, flags, 0o666)
        try:
            if not take_lock(descriptor):
                raise _taken(self.path, descriptor)
            _end_line(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor


def _has_descriptor() -> bool:
    """Not where Python code has put another stream there, as notebooks do."""
    try:
        sys.stdout.fileno()
    except (OSError, io.UnsupportedOperation, AttributeError, ValueError):
        return False
    return True


def _require_records(path: Path) -> None:
    """ConfigError for a pipe, a device, a folder, and a file of anything else: it would be spoiled,
    or block.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise ConfigError(
            f"{path} is {_kind(mode)}, where verdicts are to be appended to a file.",
            fix="Give the name of a file, or leave the option out and use standard output.",
        )
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not _may_be_records(head):
        raise ConfigError(
            f"{path} holds something else than verdicts; nothing was appended to it.",
            fix="Give another name.",
        )


def _may_be_records(head: bytes) -> bool:
    """Also a line that was cut short."""
    first, end, _ = head.lstrip().partition(b"\n")
    return not first or (first.startswith(b'{"') and (not end or b'"verdict"' in first))


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device"


def _taken(path: Path, descriptor: int) -> ConfigError:
    who = _holder(os.fstat(descriptor))
    return ConfigError(
        f"Another watch{who} writes its verdicts to {path}.",
        fix="Give each watch a file of its own, or stop the other one.",
    )


def _holder(state: os.stat_result) -> str:
    """Who holds the lock, where Linux says so."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()
            if words[1] == "FLOCK" and words[5].rpartition(":")[2] == str(state.st_ino):
                return f" (process {int(words[4])})"
    return ""


def _end_line(descriptor: int) -> None:
    """After a former run that was stopped in the middle of a line."""
    if os.fstat(descriptor).st_size:
        os.lseek(descriptor, -1, os.SEEK_END)
        if os.read(descriptor, 1) != b"\n":
            os.write(descriptor, b"\n")


def _cut(descriptor: int, count: int) -> None:
    state = os.fstat(descriptor)
    if stat.S_ISREG(state.st_mode):
        os.ftruncate(descriptor, state.st_size - count)
        os.lseek(descriptor, 0, os.SEEK_END)
