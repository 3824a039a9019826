"""Inspections whose verdicts are on their way to the disk: with them the board gets the picture."""

import threading
import time
from dataclasses import dataclass, replace

from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.records import Inspection
from slsg_edge.line.service.status import StationBoard

# While the disk takes nothing, what waits must not fill the memory.
_MOST = 10_000  # verdicts
_PICTURE_BYTES = 256 * 2**20  # of their pictures and maps; older verdicts wait without


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
        self._pictured: dict[str, int] = {}  # bytes of each that has its picture, oldest first
        self._lock = threading.Lock()

    def expect(self, inspection: Inspection, board: StationBoard, limit_ms: float) -> None:
        """limit_ms: from frame to disk; what takes longer is counted."""
        waiting = _Waiting(inspection, board, limit_ms, time.monotonic())
        with self._lock:
            while len(self._waiting) >= _MOST:
                self._take(next(iter(self._waiting)))
            self._waiting[inspection.record.id] = waiting
            if size := _size(inspection):
                self._pictured[inspection.record.id] = size
            while sum(self._pictured.values()) > _PICTURE_BYTES and len(self._pictured) > 1:
                self._strip(next(iter(self._pictured)))

    def forget(self, verdict_id: str) -> None:
        """It will not be stored: its part has a verdict already."""
        with self._lock:
            self._take(verdict_id)

    def stored(self, stored: Stored) -> None:
        """Called by the outbox, in its own thread."""
        with self._lock:
            waiting = self._take(stored.record.id)
        if waiting is None:
            return
        now = time.monotonic()
        record = waiting.inspection.record
        latency = {**record.latency_ms, "stored": (now - waiting.given) * 1000}
        late = (now - waiting.inspection.frame.captured_monotonic) * 1000 > waiting.limit_ms
        done = replace(waiting.inspection, record=replace(record, latency_ms=latency))
        waiting.board.add(done, late=late)

    def _take(self, verdict_id: str) -> _Waiting | None:
        self._pictured.pop(verdict_id, None)
        return self._waiting.pop(verdict_id, None)

    def _strip(self, verdict_id: str) -> None:
        """Its verdict still waits; the board has newer pictures to show."""
        del self._pictured[verdict_id]
        waiting = self._waiting[verdict_id]
        self._waiting[verdict_id] = replace(
            waiting, inspection=_without_picture(waiting.inspection)
        )


def _size(inspection: Inspection) -> int:
    image, prediction = inspection.frame.image, inspection.prediction
    picture = 0 if image is None else image.nbytes
    return picture + (0 if prediction is None else prediction.anomaly_map.nbytes)


def _without_picture(inspection: Inspection) -> Inspection:
    return replace(inspection, frame=replace(inspection.frame, image=None), prediction=None)
