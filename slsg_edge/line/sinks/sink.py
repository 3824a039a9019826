"""What takes inspections. Knows no sink by name."""

from typing import Protocol

from slsg_edge.line.records import Inspection


class ReaderGone(Exception):
    """Whoever read our standard output has closed it, as `head` does: time to end quietly."""


class Sink(Protocol):
    """Takes every inspection in order."""

    def write(self, inspection: Inspection) -> None: ...

    def close(self) -> None: ...
