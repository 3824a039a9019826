"""What takes the verdicts of a line. Each runs in a thread of its own and fails alone.

A journal gets every verdict of its stations in order, at least once. A display shows the newest
one of each station; what it missed meanwhile is not shown later.
"""

from collections.abc import Sequence
from typing import Protocol

from slsg_edge.line.outbox.entries import Stored


class Journal(Protocol):
    """As MQTT, a webhook, a file."""

    @property
    def name(self) -> str:
        """As in `line.toml`; the outbox remembers by it how far this sink is."""

    @property
    def most(self) -> int:
        """How many verdicts `take` gets at once, at most."""

    def take(self, batch: Sequence[Stored]) -> None:
        """Returns when all of them have arrived, and never takes longer than 30 seconds.

        Raises SlsgError or OSError where they have not; all are then given again, later.
        """

    def close(self) -> None:
        """Within two seconds."""


class Display(Protocol):
    """As Modbus or OPC UA: what a PLC reads."""

    @property
    def name(self) -> str: ...

    def show(self, stored: Stored) -> None:
        """The newest verdict of its station. Raises as `Journal.take`."""

    def beat(self) -> None:
        """Called at least three times a second while the line is alive: the heartbeat."""

    def close(self) -> None:
        """Within two seconds."""
