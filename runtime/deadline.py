"""Work that might never end, in a thread that is left behind when it takes too long.

A model is a program that came from elsewhere, and a library that runs one cannot be stopped.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from slsg_edge.errors import SlsgError

Answer = TypeVar("Answer")

_NAME = "slsg-edge: bounded work"
_POLL = 0.2  # seconds: some systems hear of no signal while a thread waits longer


def within(seconds: float, work: Callable[[], Answer], late: SlsgError) -> Answer:
    """What `work` gives or raises; `late` when it has not ended after so many seconds.

    Ctrl-C and signals are heard meanwhile. What is left behind goes on until the process ends.
    """
    job = _Job(work)
    thread = threading.Thread(target=job.run, name=_NAME, daemon=True)
    thread.start()
    for _ in range(max(1, round(seconds / _POLL))):
        if job.ended.wait(_POLL):
            return job.answer()
    raise late


def work_left_behind() -> bool:
    """Whether such a thread still runs: then the process must end without waiting for it."""
    return any(thread.name == _NAME for thread in threading.enumerate())


class _Job(Generic[Answer]):
    def __init__(self, work: Callable[[], Answer]) -> None:
        self._work, self.ended = work, threading.Event()
        self._given: list[Answer] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._given.append(self._work())
        except BaseException as error:
            self._error = error
        finally:
            self.ended.set()

    def answer(self) -> Answer:
        if self._error is not None:
            raise self._error
        return self._given[0]
