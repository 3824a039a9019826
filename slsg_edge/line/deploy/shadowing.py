"""A candidate beside the bundle that runs: it sees the same frames and its verdicts are compared.

It computes in a process of the lowest priority, takes the newest frame when it is free and leaves
out what came meanwhile; while the station itself is late it sees none. What happens to it never
touches the station.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.bundle.folder import Bundle
from slsg_edge.errors import SlsgError
from slsg_edge.line.deploy.apart import Answer, Apart
from slsg_edge.line.deploy.differences import Differences
from slsg_edge.line.deploy.faults import of_the_camera
from slsg_edge.line.records import Inspection
from slsg_edge.line.settings.line import StationSettings
from slsg_edge.runtime.reasons import described, one_line

_TRIES = 3  # processes that may be lost
_ANSWER = 60.0  # seconds for one frame: it computes when nobody else does
_WAIT = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class Compared:
    """What was seen so far. failed: why the candidate cannot go on; None while it can."""

    compared: int = 0
    differ: int = 0
    rejected: int = 0
    skipped: int = 0
    failed: str | None = None


class ShadowRun:
    """Begins when it is made. bundle: the station's own, asked for when a picture is drawn."""

    def __init__(
        self,
        candidate: Path,
        station: StationSettings,
        bundle: Callable[[], Bundle],
        before: Compared,
    ) -> None:
        self._candidate, self._station, self._bundle = candidate, station, bundle
        self._differences = Differences(candidate.parent, station.name, candidate.stem)
        self._compared, self._differ = before.compared, before.differ
        self._rejected, self._skipped = before.rejected, before.skipped
        self._failed: str | None = None
        self._slot: Inspection | None = None
        self._changed = threading.Condition()
        self._stop = False
        self._thread = threading.Thread(
            target=self._run, name=f"shadow {station.name}", daemon=True
        )
        self._thread.start()

    def offer(self, inspection: Inspection) -> None:
        """Returns at once. The frame that waited is left out."""
        if inspection.frame.image is None or of_the_camera(inspection.record):
            return
        late = sum(inspection.record.latency_ms.values()) > self._station.limits.latency_ms
        with self._changed:
            self._skipped += late or self._slot is not None
            if not late:
                self._slot = inspection
                self._changed.notify_all()

    @property
    def told(self) -> Compared:
        with self._changed:
            counts = self._compared, self._differ, self._rejected, self._skipped
            return Compared(*counts, self._failed)

    def stop(self) -> None:
        with self._changed:
            self._stop = True
            self._changed.notify_all()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def _run(self) -> None:
        why = ""
        for _ in range(_TRIES):
            try:
                self._session()
            except Exception as error:  # whatever it is, the station goes on
                why = error.what if isinstance(error, SlsgError) else one_line(described(error))
            if self._stop:
                return
        with self._changed:
            self._failed = why

    def _session(self) -> None:
        apart = Apart(self._candidate, self._station)
        try:
            while (inspection := self._next()) is not None:
                assert inspection.frame.image is not None
                answer = apart.judge(inspection.frame.image, _ANSWER)
                self._count(inspection, answer)
        finally:
            apart.close()

    def _next(self) -> Inspection | None:
        """The newest frame; None at the end."""
        with self._changed:
            while not self._stop and self._slot is None:
                self._changed.wait(_WAIT)
            found, self._slot = self._slot, None
            return None if self._stop else found

    def _count(self, inspection: Inspection, answer: Answer) -> None:
        differs = inspection.record.verdict != answer.verdict
        with self._changed:
            self._compared += 1
            self._differ += differs
            self._rejected += answer.verdict != "good"
        if differs:
            with suppress(SlsgError, OSError):  # the counts say it, too
                self._differences.add(inspection, answer, self._bundle())
        if answer.reason == "detector_failed":
            raise RuntimeError(answer.detail or "the detector failed")
