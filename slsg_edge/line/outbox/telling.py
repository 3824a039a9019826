"""Tells those who listen of each verdict, once: the disk has it, or does not take it."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from slsg_edge.errors import SlsgError
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.outbox.pending import Verdict
from slsg_edge.line.outbox.state import Entry, State

MOST = 100_000  # entries that wait in memory
_HANGS = 1.0  # seconds for one transaction
_LOOK = 0.2


class Teller:
    """In order, from one thread at a time. knows: whether a part is in the file."""

    def __init__(self, state: State, knows: Callable[[bytes], bool]) -> None:
        self._state, self._knows = state, knows
        self._lock = threading.Lock()
        self._undurable: set[bytes] = set()  # parts with a verdict that the disk does not have
        self.subscribers: list[Callable[[Stored], None]] = []

    def settle(self, batch: Sequence[Entry], places: Mapping[int, int]) -> None:
        """What was stored, at these positions."""
        with self._lock:
            self._tell(self._state.settle(batch, places))

    def tell_undurable(self) -> None:
        """Beyond what memory may hold, the newest are told of and then lost."""
        with self._lock:
            untold = self._state.untold()
            known = {id(verdict) for verdict in untold if self._is_known(verdict)}
            told = self._state.tell(untold, known)
            self._state.drop_beyond(MOST)
            self._tell(told)

    def recovered(self) -> int:
        """Everything is on the disk again; how many verdicts were lost."""
        with self._lock, self._state.changed:
            lost, self._state.lost, self._state.trouble = self._state.lost, 0, None
            self._undurable.clear()
            self._state.changed.notify_all()
            return lost

    def _tell(self, fresh: Sequence[Stored]) -> None:
        for stored in fresh:
            for told in self.subscribers:
                with suppress(Exception):
                    told(stored)

    def _is_known(self, verdict: Verdict) -> bool:
        """Whether its part has a verdict already, as far as can be seen just now."""
        digest = verdict.digest
        if digest is None:
            return False
        with suppress(SlsgError):
            if digest in self._undurable or self._knows(digest):
                return True
        self._undurable.add(digest)
        return False


class HangWatch(threading.Thread):
    """Sees to it that verdicts go out while a disk does not answer, which no error tells.

    hangs: called again and again meanwhile.
    """

    def __init__(self, state: State, hangs: Callable[[], None]) -> None:
        super().__init__(name="outbox-watch", daemon=True)
        self._state, self._hangs = state, hangs

    def run(self) -> None:
        while not self._state.closed:
            time.sleep(_LOOK)
            begun = self._state.begun
            if begun is not None and time.monotonic() - begun > _HANGS and self._state.waiting:
                with suppress(Exception):
                    self._hangs()
