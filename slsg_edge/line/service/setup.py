"""What a station runs with, and what all stations of a line use."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.line.drift.monitor import DriftMonitor
from slsg_edge.line.outbox.outbox import Outbox
from slsg_edge.line.records import Inspection
from slsg_edge.line.service.awaited import Awaited
from slsg_edge.line.service.detectors import Opened
from slsg_edge.line.settings.line import StationSettings
from slsg_edge.line.sinks.kept_pictures import KeptPictures
from slsg_edge.line.triggers.requests import Requests


@dataclass(frozen=True, slots=True)
class Equipment:
    """What every station of a line uses.

    wants_renewal: called by a station whose detector failed too often in a row.
    inspected: told of each inspection, and by which bundle, in the station's thread.
    """

    outbox: Outbox
    pictures: KeptPictures
    awaited: Awaited
    wants_renewal: Callable[[str], None]
    inspected: Callable[[Inspection, Path], None]


@dataclass(frozen=True, slots=True)
class Setup:
    """What a station runs with. requests: through which it is asked for verdicts, where it is."""

    settings: StationSettings
    opened: Opened
    drift: DriftMonitor | None
    requests: Requests | None

    def close(self) -> None:
        """What drift has learned is kept; the detector is closed with the last that uses it."""
        if self.drift is not None:
            self.drift.close()
        self.opened.judged.close()
