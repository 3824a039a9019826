"""How a sink is doing, and what people know of it already."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from slsg_edge.errors import SlsgError
from slsg_edge.line.outbox.outbox import Outbox
from slsg_edge.line.service.status import SinkStatus
from slsg_edge.line.sources.redaction import redacted
from slsg_edge.runtime.reasons import described, one_line

_TOLD_EVERY = 60.0  # seconds between two warnings of the same sink
_FIRST, _LONGEST = 0.2, 10.0  # seconds until what failed is tried again


class Standing:
    """Used by the threads of one sink, read by everybody."""

    def __init__(self, name: str, kind: str, outbox: Outbox, warn: Callable[[str], None]) -> None:
        self.name, self.kind = name, kind
        self._outbox, self._warn = outbox, warn
        self._lock = threading.Lock()
        self._taken = self._failures = 0
        self._trouble: str | None = None
        self._pause, self._told_at = _FIRST, 0.0

    @property
    def failures(self) -> int:
        return self._failures

    def status(self, waiting: int) -> SinkStatus:
        with self._lock:
            return SinkStatus(
                self.name, self.kind, waiting, self._taken, self._failures, self._trouble
            )

    def took(self, count: int) -> None:
        with self._lock:
            self._taken += count
            before, self._trouble, self._pause = self._trouble, None, _FIRST
        if before is not None:
            self._tell("note", "ok", f"The sink {self.name} takes verdicts again.")

    def failed(self, error: Exception) -> float:
        """Seconds until the next try."""
        said = _said(error)
        with self._lock:
            self._failures += 1
            before, self._trouble = self._trouble, said
            pause, self._pause = self._pause, min(2 * self._pause, _LONGEST)
        now = time.monotonic()
        if before is None or now - self._told_at > _TOLD_EVERY:
            self._told_at = now
            self._tell("warning", "failing", f"The sink {self.name} takes no verdicts: {said}")
        return pause

    def _tell(self, kind: str, state: str, text: str) -> None:
        self._outbox.event("sink", "", state, text)
        with suppress(Exception):
            self._warn(f"{kind}: {text}")


def _said(error: Exception) -> str:
    """Without passwords, which libraries put into what they say of an address."""
    ours = isinstance(error, OSError) and error.errno is None  # a sentence of a sink
    text = redacted(one_line(str(error) if ours else described(error)))
    return text if isinstance(error, SlsgError) else f"{text.rstrip('.')}."
