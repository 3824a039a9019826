"""SIGTERM, SIGINT and SIGHUP of a watch: it ends in order, soon, whatever hangs. And Ctrl-C of
other commands.
"""

import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from slsg_edge.cli.text import say

INTERRUPTED = 130  # as a shell reports a process that Ctrl-C ended
_GRACE = 1.6  # seconds from the first signal to the end where Python does not hear it
_ORDER = 4.0  # the same where it did, and closes one thing after the other
_ENDING = (signal.SIGTERM, signal.SIGINT)
_heard: list[int] = []  # the signals that told this process to end


def ends_in_order(command: Callable[..., None]) -> Callable[..., None]:
    """A command that ends with 0 when it is told to, at whatever moment."""

    @functools.wraps(command)
    def run(**options: object) -> None:
        terminal_only = options.get("output") is None and sys.stdout.isatty()
        try:
            with stoppable(hangup_ends=terminal_only):
                command(**options)
        except KeyboardInterrupt:  # before the first frame, or once more at the end
            say("stopped")

    return run


@contextmanager
def stoppable(hangup_ends: bool = False) -> Iterator[None]:
    """SIGTERM, as from systemd, raises KeyboardInterrupt as Ctrl-C does, once.

    A second signal changes nothing. What hangs in a library hears no signal: the process is ended
    without it. SIGHUP, as of a terminal that was closed, ends only where `hangup_ends`.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ending = (*_ENDING, signal.SIGHUP) if hangup_ends else _ENDING
    before = {number: signal.signal(number, _interrupt) for number in ending}
    if not hangup_ends and hasattr(signal, "SIGHUP"):
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, _ignore)
    heard, tell = os.pipe()
    os.set_blocking(tell, False)
    wakeup = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    threading.Thread(target=_end_in_time, args=(heard, frozenset(ending)), daemon=True).start()
    try:
        yield
    finally:
        # once told to end, it stays so until the process has ended
        if not told_to_end():
            signal.set_wakeup_fd(wakeup)
            os.close(tell)  # ends the thread
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def interrupts_noted() -> Iterator[Callable[[], bool]]:
    """Whether there was a Ctrl-C, for what a library makes of it: one that is in the middle of an
    import swallows it, and fails later for a reason of its own.
    """
    noted: list[int] = []

    def note(number: int, frame: "FrameType | None") -> None:
        noted.append(number)
        raise KeyboardInterrupt

    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield lambda: False  # in the background of a script a process hears no Ctrl-C
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(noted)
    finally:
        if signal.getsignal(signal.SIGINT) is note:  # a watch that ends hears no second one
            signal.signal(signal.SIGINT, signal.default_int_handler)


def told_to_end() -> bool:
    """Whether a signal has said so."""
    return bool(_heard)


def _interrupt(number: int, frame: "FrameType | None") -> None:
    _heard.append(number)
    if len(_heard) == 1:
        raise KeyboardInterrupt


def _ignore(number: int, frame: "FrameType | None") -> None:
    """A handler and not SIG_IGN, which child processes would inherit."""


def _end_in_time(heard: int, ending: frozenset[signal.Signals]) -> None:
    """Python hears a signal between two of its steps; the system's own note comes at once."""
    while numbers := os.read(heard, 16):
        if ending.intersection(numbers):
            time.sleep(_GRACE)
            if told_to_end():
                time.sleep(_ORDER - _GRACE)
            _end_now()
    os.close(heard)


def _end_now() -> None:
    with suppress(Exception):
        sys.stderr.write("note: something did not answer, so the watch ended without it\n")
        sys.stderr.flush()
    os._exit(0)
