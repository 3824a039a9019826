"""Parts that are let go, as a dropped file is moved, when their verdicts are on the disk."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from slsg_edge.line.outbox.pending import Pending
from slsg_edge.line.service.awaited import Awaited


@dataclass(frozen=True, slots=True)
class _Held:
    pending: Pending
    verdict: str
    part: str
    done: Callable[[str], None] | None


class Parts:
    """Of one station. Any thread may look."""

    def __init__(self, awaited: Awaited) -> None:
        self._awaited = awaited
        self._held: list[_Held] = []
        self._lock = threading.Lock()

    def add(
        self, pending: Pending, verdict: str, part: str, done: Callable[[str], None] | None
    ) -> None:
        """done: what the source does then; None where it does nothing."""
        with self._lock:
            self._held.append(_Held(pending, verdict, part, done))

    def look(self) -> None:
        with self._lock:
            ready = [each for each in self._held if each.pending.done()]
            self._held = [each for each in self._held if not each.pending.done()]
        for each in ready:
            if each.pending.known:
                self._awaited.forget(each.verdict)
            if each.done is not None:
                each.done(each.part)
