"""Inspections whose verdicts are on their way to the disk: with them the board gets the picture."""

import threading
import time
from dataclasses import dataclass, replace

from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.records import Inspection
from slsg_edge.line.service.status import StationBoard

_MOST = 10_000  # while the disk takes nothing, pictures must not fill the memory


@dataclass(frozen=True, slots=True)
class _Waiting:
    inspection: Inspection
    board: StationBoard
    limit_ms: float
    given: float


class Awaited:
    """Told of each verdict that was stored, it tells the station's board."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}
        self._lock = threading.Lock()

    def expect(self, inspection: Inspection, board: StationBoard, limit_ms: float) -> None:
        """limit_ms: from frame to disk; what takes longer is counted."""
        waiting = _Waiting(inspection, board, limit_ms, time.monotonic())
        with self._lock:
            while len(self._waiting) >= _MOST:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[inspection.record.id] = waiting

    def forget(self, verdict_id: str) -> None:
        """It will not be stored: its part has a verdict already."""
        with self._lock:
            self._waiting.pop(verdict_id, None)

    def stored(self, stored: Stored) -> None:
        """Called by the outbox, in its own thread."""
        with self._lock:
            waiting = self._waiting.pop(stored.record.id, None)
        if waiting is None:
            return
        now = time.monotonic()
        record = waiting.inspection.record
        latency = {**record.latency_ms, "stored": (now - waiting.given) * 1000}
        late = (now - waiting.inspection.frame.captured_monotonic) * 1000 > waiting.limit_ms
        done = replace(waiting.inspection, record=replace(record, latency_ms=latency))
        waiting.board.add(done, late=late)
