"""What takes inspections. Knows no sink by name."""

import sys
from typing import Protocol, runtime_checkable

from slsg_edge.line.records import Inspection


def warn_on_stderr(text: str) -> None:
    """A line for people, on stderr."""
    print(text, file=sys.stderr)


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


@runtime_checkable
class Draining(Protocol):
    """A sink that writes later what cannot be written at once."""

    @property
    def unwritten(self) -> int:
        """Records that are lost, or still wait."""

    def drain(self) -> None:
        """Waits while what waits goes on being written."""
