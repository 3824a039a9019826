"""What a run of verdicts says of a station: whether its camera and its detector work."""

from dataclasses import dataclass

from slsg_edge.line.records import Record
from slsg_edge.line.service.status import SourceState
from slsg_edge.scoring import BETWEEN_THRESHOLDS

_GONE = frozenset({"no_frame", "frozen", "stale"})  # one of them says that the source is lost
_ODD_IN_A_ROW = 5  # frames that are damaged or show something else


@dataclass(slots=True)
class Course:
    """The last verdicts of a station. failures: of the detector, in a row."""

    failures: int = 0
    _odd: int = 0
    state: SourceState = "starting"

    def after(self, record: Record) -> SourceState:
        """The state from this verdict on."""
        failed = record.reason == "detector_failed"
        self.failures = self.failures + 1 if failed else 0
        seen = record.reason in (None, BETWEEN_THRESHOLDS)
        self._odd = 0 if seen or failed else self._odd + 1
        if record.reason in _GONE or self._odd >= _ODD_IN_A_ROW:
            self.state = "lost"
        elif failed:
            self.state = "failing"
        elif seen:
            self.state = "ok"
        return self.state
