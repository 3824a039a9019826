"""What chooses among the frames of a source."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from slsg_edge.contracts import Frame


class Trigger(Protocol):
    """Yields the frames to inspect.

    A frame with a fault always passes where every frame or the time decides. Where somebody asks
    for verdicts (MQTT, Modbus), each request gets exactly one frame: the first fresh one captured
    after it, or one with a fault when none comes in time; what is captured meanwhile is not
    inspected.
    """

    @property
    def idle(self) -> bool:
        """Whether it waits to be asked, which is no fault of the source."""

    @property
    def skipped(self) -> int:
        """Frames that were not chosen."""

    def chosen(self, frames: Iterable[Frame]) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Ends `chosen` within a second, whatever it waits for."""
