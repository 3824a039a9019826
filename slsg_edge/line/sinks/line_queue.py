"""Records that wait for whoever takes them, so that a full disk or a slow reader holds up nothing.

A thread of its own writes them in their order. What cannot be written waits, and is written when
it can be; beyond a limit what comes new is lost, counted and told.
"""

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from slsg_edge.errors import SlsgError
from slsg_edge.line.sinks.sink import ReaderGone
from slsg_edge.storage import storage_error

_HELD = 64 * 2**20  # bytes that wait at most: the records of 160,000 frames
_AT_ONCE = 0.5  # seconds in which a record is usually with the system; nobody waits longer for it
_AGAIN = 0.5  # seconds until what failed is tried again
_STUCK = 5.0  # seconds without one more byte after which the end is not waited for any longer
_TOLD_EVERY = 60.0  # seconds between two warnings of the same trouble


class Outlet(Protocol):
    """Where bytes go.

    path: for people. descriptor: what to write to.
    """

    path: Path
    descriptor: int

    def renewed(self, sent: int) -> bool:
        """Whether another file was opened, in which a line begins anew of which `sent` bytes were
        written into the one before; OSError or SlsgError when that failed.
        """

    def forget(self, count: int) -> None:
        """Takes back the last bytes that were written, where a file lets it."""

    def close(self) -> None: ...


@dataclass
class _State:
    """Shared by the two threads, under one lock."""

    held: int = 0
    lost: int = 0
    sent: int = 0  # of the first line that waits
    trouble: str | None = None  # why nothing can be written just now
    reader_gone: bool = False
    closed: bool = False
    progress: float = 0.0


class LineQueue:
    """Lines for one outlet."""

    def __init__(self, outlet: Outlet, warn: Callable[[str], None], held: int = _HELD) -> None:
        self._outlet, self._warn, self._limit = outlet, warn, held
        self._lines: deque[bytes] = deque()
        self._state = _State(progress=time.monotonic())
        self._changed = threading.Condition()
        self._told, self._told_at = False, 0.0
        self._thread = threading.Thread(target=self._run, name="records", daemon=True)
        self._thread.start()

    @property
    def unwritten(self) -> int:
        """Records that are lost, or still wait."""
        with self._changed:
            return 0 if self._state.reader_gone else self._state.lost + len(self._lines)

    def put(self, line: bytes) -> None:
        """ReaderGone when nobody will ever read; usually the line is written afterwards."""
        with self._changed:
            idle = not self._lines and self._state.trouble is None
            sent = self._sent_at_once(line) if idle else 0
            if sent < len(line):
                self._take(line)
                self._state.sent = sent if idle else self._state.sent
                self._changed.notify_all()
                self._wait_a_moment()
            gone = self._state.reader_gone
        self._tell()
        if gone:
            raise ReaderGone

    def _wait_a_moment(self) -> None:
        """Only the first time: while there is trouble nobody waits."""
        if self._state.trouble is None:
            self._changed.wait_for(self._settled, _AT_ONCE)
        if not self._settled() and self._state.trouble is None:
            self._state.trouble = f"{self._outlet.path} takes no records just now."

    def _sent_at_once(self, line: bytes) -> int:
        """How many bytes were written without waking the other thread.

        The line is in no queue meanwhile: Ctrl-C right after the write must not have it written
        once more.
        """
        if not self._takes(line):
            return 0
        try:
            self._outlet.renewed(0)
            return os.write(self._outlet.descriptor, line)
        except ConnectionError:
            self._state.reader_gone = self._state.closed = True
            self._changed.notify_all()
            return len(line)
        except (OSError, SlsgError):  # the other thread will meet it again, and say so
            return 0

    def _takes(self, line: bytes) -> bool:
        """Whether it surely takes so much at once; a pipe with any room takes this many bytes."""
        if not hasattr(select, "poll") or len(line) > select.PIPE_BUF:
            return False
        poll = select.poll()
        poll.register(self._outlet.descriptor, select.POLLOUT)
        return bool(poll.poll(0))

    def drain(self) -> None:
        """Until all is written, or nothing has moved for five seconds."""
        with self._changed:
            self._changed.notify_all()  # Ctrl-C may have come before a line was told of
            self._state.progress = time.monotonic()
            while not self._settled() and time.monotonic() - self._state.progress < _STUCK:
                self._changed.wait(_AGAIN)

    def close(self) -> None:
        """What is still not written within half a second is lost, and no line stays in part."""
        with self._changed:
            self._changed.wait_for(self._settled, _AT_ONCE)
            self._state.closed = True
            self._changed.notify_all()
        self._thread.join(_AT_ONCE)
        if self._thread.is_alive():  # it hangs in a write, and ends with the process
            return
        with suppress(OSError):
            if self._state.sent:
                self._outlet.forget(self._state.sent)
            self._outlet.close()

    def _settled(self) -> bool:
        return not self._lines or self._state.reader_gone

    def _take(self, line: bytes) -> None:
        if self._state.held + len(line) > self._limit:
            self._state.lost += 1
            return
        self._lines.append(line)
        self._state.held += len(line)

    def _tell(self) -> None:
        """Trouble at once and then rarely, and its end; never to a terminal that takes nothing."""
        waiting, lost, trouble = len(self._lines), self._state.lost, self._state.trouble
        now = time.monotonic()
        if trouble is None:
            if self._told:
                self._told = False
                self._say(f"note: {self._outlet.path} takes records again. {_lost(lost)}")
        elif not self._told or now - self._told_at > _TOLD_EVERY:
            self._told, self._told_at = True, now
            self._say(
                f"warning: {trouble} Verdicts go on, and nobody gets them from there meanwhile: "
                f"{waiting} records wait. {_lost(lost)}"
            )

    def _say(self, text: str) -> None:
        with suppress(Exception):
            self._warn(text.strip())

    def _run(self) -> None:
        while (line := self._next()) is not None:
            if not self._attempt(line):
                with self._changed:
                    self._changed.wait_for(lambda: self._state.closed, _AGAIN)

    def _attempt(self, line: bytes) -> bool:
        """False where it should be tried again later."""
        try:
            self._write_some(line)
        except ConnectionError:  # a pipe or a socket whose other end was closed
            with self._changed:
                self._state.reader_gone = self._state.closed = True
                self._changed.notify_all()
        except OSError as error:
            return self._failed(storage_error(self._outlet.path, error))
        except SlsgError as error:
            return self._failed(error)
        return True

    def _next(self) -> bytes | None:
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._state.closed)
            return None if self._state.closed else self._lines[0]

    def _write_some(self, line: bytes) -> None:
        state = self._state
        if self._outlet.renewed(state.sent):
            state.sent = 0
        try:
            count = os.write(self._outlet.descriptor, line[state.sent :])
        except BlockingIOError:  # somebody made it answer at once
            select.select((), (self._outlet.descriptor,), (), _AGAIN)
            return
        with self._changed:
            state.sent += count
            state.progress = time.monotonic()
            if state.sent == len(line):
                self._lines.popleft()
                state.held -= len(line)
                state.sent = 0
            if not self._lines:
                state.trouble = None
            self._changed.notify_all()

    def _failed(self, error: SlsgError) -> bool:
        with self._changed:
            self._state.trouble = error.what
            self._changed.notify_all()
        return False


def _lost(count: int) -> str:
    return f"{count} are lost." if count else ""
