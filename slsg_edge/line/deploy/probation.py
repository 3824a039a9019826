"""The first parts of a bundle that was switched to, counted."""

import threading
from dataclasses import replace
from pathlib import Path

from slsg_edge.line.deploy.faults import excess, of_the_camera
from slsg_edge.line.deploy.state import Probation
from slsg_edge.line.records import Record


class OnProbation:
    """Of one station. Any thread may ask; that of the station counts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bundle: Path | None = None
        self._probation: Probation | None = None
        self._failures, self._failure = 0, ""

    def follow(self, bundle: Path, probation: Probation | None) -> None:
        """What the state says by now; counts of the same bundle go on."""
        with self._lock:
            if probation is None:
                self._bundle = self._probation = None
            elif self._bundle != bundle or self._probation is None:
                self._bundle, self._probation = bundle, probation
                self._failures = 0
            else:
                self._probation = replace(self._probation, starts=probation.starts)

    def inspected(self, record: Record, bundle: Path) -> None:
        with self._lock:
            on = self._probation
            if on is None or bundle != self._bundle or of_the_camera(record):
                return
            if on.seen < on.frames:
                rejected = on.rejected + (record.verdict != "good")
                self._probation = replace(on, seen=on.seen + 1, rejected=rejected)
            if record.reason == "detector_failed":
                self._failures, self._failure = self._failures + 1, record.detail or ""

    @property
    def now(self) -> Probation | None:
        """With the counts; None where there is none."""
        return self._probation

    def of(self, bundle: Path) -> Probation | None:
        """The same where it is of that bundle."""
        with self._lock:
            return self._probation if self._bundle == bundle else None

    def excess(self) -> str | None:
        """Why the bundle has to go."""
        with self._lock:
            on = self._probation
            return None if on is None else excess(on, self._failures, self._failure)

    @property
    def passed(self) -> bool:
        on = self._probation
        return on is not None and on.seen >= on.frames and self.excess() is None
