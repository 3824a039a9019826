"""What waits to be on the disk."""

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from slsg_edge.line.records import Record

Statement: TypeAlias = tuple[str, Sequence[Any]]


class Pending:
    """A verdict on its way to the disk.

    known: whether the part has a verdict already, so that this one was not stored; right once it
    is done. stored_monotonic: seconds of the monotonic clock at which the disk had it.
    """

    __slots__ = ("_changed", "known", "stored_monotonic")

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self.known = False
        self.stored_monotonic: float | None = None

    def done(self) -> bool:
        return self.stored_monotonic is not None

    def wait(self, timeout: float) -> bool:
        """Whether the disk has it, at the latest after so many seconds."""
        with self._changed:
            return self._changed.wait_for(self.done, timeout)

    def settle(self, known: bool = False) -> None:
        """Only the writer does, and tells those who wait."""
        self.known, self.stored_monotonic = known, time.monotonic()


@dataclass(slots=True)
class Verdict:
    """One that waits. position: 0 until it has one. text: the record's JSON."""

    pending: Pending
    record: Record
    text: str
    at: float
    digest: bytes | None = None
    position: int = 0
    told: bool = False


@dataclass(slots=True)
class Change:
    """Anything else that waits."""

    pending: Pending
    statement: Statement


def digest_of(station: str, part: str) -> bytes:
    """Names a part in 16 bytes: those are kept longer than its verdict."""
    return hashlib.blake2b(f"{station}\0{part}".encode(errors="replace"), digest_size=16).digest()
