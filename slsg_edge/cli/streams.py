"""Standard input, output and error as a command can use them: closed, full, or read by nobody.

What cannot be printed must not undo or hide what was done.
"""

import contextlib
import io
import os
import select
import sys

from slsg_edge.errors import StorageError

_PATIENCE = 2.0  # seconds for whoever reads stderr, the first time
_PIECE = 512  # bytes that a pipe takes whole when it takes any

_state = {"stdout closed": False}


def usable_streams() -> None:
    """Closed streams lead nowhere from now on. Writing to stdout raises StorageError where it
    fails, and writing to stderr never does.
    """
    _state["stdout closed"] = sys.stdout is None
    number = {name: _descriptor(name) for name in ("stdin", "stdout", "stderr")}
    if sys.stdin is None:
        sys.stdin = os.fdopen(number["stdin"], closefd=False)
    if sys.stdout in (None, sys.__stdout__):
        sys.stdout = _text(_Stdout(number["stdout"], "w", closefd=False), sys.stdout)
    if sys.stderr in (None, sys.__stderr__):
        sys.stderr = _text(_Stderr(number["stderr"], "w", closefd=False), sys.stderr)


def stdout_is_closed() -> bool:
    """Whether it was when the command began."""
    return _state["stdout closed"]


def _descriptor(name: str) -> int:
    """Of a standard stream; one that leads nowhere for a stream that is closed, at its own number
    where nothing else has taken that meanwhile.
    """
    number = ("stdin", "stdout", "stderr").index(name)
    if getattr(sys, name) is not None:
        return number
    nowhere = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    if nowhere > number and not _is_open(number):
        os.dup2(nowhere, number)
        os.close(nowhere)
        return number
    return nowhere


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _text(raw: io.FileIO, before: "io.TextIOBase | None") -> io.TextIOWrapper:
    """Names of files may be no UTF-8, and a terminal may show no more than ASCII."""
    encoding = getattr(before, "encoding", None) or "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", None, True)


class _Stdout(io.FileIO):
    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:  # as of `head`, which has seen enough
            _lead_nowhere(self.fileno())
            raise
        except OSError as error:
            _lead_nowhere(self.fileno())
            raise StorageError(
                f"Cannot write to standard output: {error.strerror}.",
                fix="Files that the command wrote are whole and stay; only what it prints is "
                "missing. Free some space or give another place, then print it again, as with "
                "`slsg-edge info BUNDLE`.",
            ) from error


class _Stderr(io.FileIO):
    """Drops what nobody takes."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self._patience = _PATIENCE

    def write(self, data: object) -> int:
        content = memoryview(data).cast("B")  # type: ignore[arg-type]
        for start in range(0, len(content), _PIECE):
            if not self._takes_more():
                break
            with contextlib.suppress(OSError):
                super().write(content[start : start + _PIECE])
        return len(content)

    def _takes_more(self) -> bool:
        """Not while a terminal is stopped or a pipe is full: an alarm must not end the alarms."""
        if not hasattr(select, "poll"):
            return True
        poll = select.poll()
        poll.register(self.fileno(), select.POLLOUT)
        ready = bool(poll.poll(self._patience * 1000))
        self._patience = _PATIENCE if ready else 0.0
        return ready


def _lead_nowhere(descriptor: int) -> None:
    """Python flushes once more at exit, and would complain a second time and exit with 120."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
