"""What takes inspections. Knows no sink by name."""

from typing import Protocol

from slsg_edge.line.records import Inspection


class ReaderGone(Exception):
    """Whoever read our standard output has closed it, as `head` does: time to end quietly."""


class Sink(Protocol):
    """Takes every inspection in order.

    What `write` raises ends the watch when the sink is essential. Any other sink is tried again
    with the next inspection, and people are told the first time.
    """

    @property
    def name(self) -> str:
        """What is missing when it fails, for people, as in `pictures`."""

    @property
    def essential(self) -> bool:
        """Whether it may lose no verdict."""

    def write(self, inspection: Inspection) -> None: ...

    def close(self) -> None: ...
