"""A file of records that grows, and is this process's alone."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from slsg_edge.errors import ConfigError
from slsg_edge.storage import storage_error, take_lock

_HEAD = 2**16  # bytes: a record takes 400


class AppendedFile:
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
        cut(self.descriptor, count)

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


def cut(descriptor: int, count: int) -> None:
    """Takes back the last bytes of a file."""
    state = os.fstat(descriptor)
    if stat.S_ISREG(state.st_mode):
        os.ftruncate(descriptor, state.st_size - count)
        os.lseek(descriptor, 0, os.SEEK_END)
