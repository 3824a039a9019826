"""What an outbox remembers beside its file, shared by the callers and the writer's thread."""

import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.outbox.pending import Change, Statement, Verdict
from slsg_edge.line.outbox.rows import DAMAGE, record_from

_SINK = "INSERT INTO sinks VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET position = ?2"
_SEQUENCE = (
    "INSERT INTO sequences VALUES (?1, ?2) ON CONFLICT (station) DO UPDATE SET last = max(last, ?2)"
)
_POSITION = "INSERT OR REPLACE INTO counters VALUES ('position', ?)"

Entry: TypeAlias = Verdict | Change


@dataclass
class State:
    """Everything under the lock of `changed`, which nobody holds while the disk works.

    waiting: entries; only the writer takes any away. fresh: whether some came since it looked.
    begun: seconds of the monotonic clock from when it has been waiting for the disk.
    position: the last one given. durable: the last one that is on the disk. sinks: how far each
    is; written: how far the file says; used: those that this process has. sequences: the last one
    of each station. digests: of parts that wait. lost: verdicts that found no room in memory.
    """

    changed: threading.Condition = field(default_factory=threading.Condition)
    waiting: deque[Entry] = field(default_factory=deque)
    fresh: bool = False
    begun: float | None = None
    position: int = 0
    durable: int = 0
    sinks: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    sequences: dict[str, int] = field(default_factory=dict)
    digests: set[bytes] = field(default_factory=set)
    trouble: str | None = None
    lost: int = 0
    closed: bool = False

    def load(self, connection: sqlite3.Connection) -> None:
        """What the file knows, where it is further than what is remembered."""
        run = connection.execute
        counted = run("SELECT CAST(max(value) AS INTEGER) FROM counters").fetchone()[0]
        newest = run("SELECT max(position) FROM verdicts").fetchone()[0]
        sinks = run("SELECT name, CAST(position AS INTEGER) FROM sinks").fetchall()
        sequences = run("SELECT station, CAST(last AS INTEGER) FROM sequences").fetchall()
        with self.changed:
            self.durable = self.position = max(counted or 0, newest or 0, self.position)
            _raise_to(self.sinks, sinks)
            _raise_to(self.sequences, sequences or _newest_sequences(connection))
            self.written = {}

    def append(self, entry: Entry) -> None:
        """The writer is told."""
        with self.changed:
            self.waiting.append(entry)
            if isinstance(entry, Verdict) and entry.digest is not None:
                self.digests.add(entry.digest)
            self.fresh = True
            self.changed.notify_all()

    def sinks_to_write(self, durable: int) -> list[tuple[str, int]]:
        """Those of which the file does not know how far they are.

        A sink is never further than the disk: what it has seen undurable may be lost, and then
        others get those positions.
        """
        with self.changed:
            sinks = [(name, min(place, durable)) for name, place in self.sinks.items()]
        return [(name, place) for name, place in sinks if self.written.get(name) != place]

    def settle(self, batch: Sequence[Entry], places: Mapping[int, int]) -> list[Stored]:
        """Takes away what was stored; gives the verdicts that nobody has been told of."""
        fresh: list[Stored] = []
        with self.changed:
            for index, entry in enumerate(batch):
                self.waiting.popleft()
                self._settle(entry, places.get(index))
                if isinstance(entry, Verdict) and index in places and not entry.told:
                    fresh.append(Stored(entry.position, entry.record))
            self.durable = max([self.durable, *places.values()])
            self.position = max(self.position, self.durable)
            self.changed.notify_all()
        return fresh

    def untold(self) -> list[Verdict]:
        """The newest of those that wait: all before them have been told of."""
        found: list[Verdict] = []
        with self.changed:
            for entry in reversed(self.waiting):
                if isinstance(entry, Verdict):
                    if entry.told:
                        break
                    found.append(entry)
        return found[::-1]

    def tell(self, verdicts: Sequence[Verdict], known: Set[int]) -> list[Stored]:
        """Gives each its position, though the disk does not have it; none to one that is known
        (by its `id`).
        """
        with self.changed:
            for verdict in verdicts:
                verdict.told = True
                if id(verdict) not in known:
                    self.position += 1
                    verdict.position = self.position
            told = [verdict for verdict in verdicts if verdict.position]
            return [Stored(one.position, one.record, durable=False) for one in told]

    def told_after(self, position: int) -> list[Stored]:
        """Those that the disk does not have and somebody was told of."""
        with self.changed:
            return [
                Stored(entry.position, entry.record, durable=False)
                for entry in (self.waiting if self.trouble else ())
                if isinstance(entry, Verdict) and entry.told and entry.position > position
            ]

    def drop_beyond(self, most: int) -> None:
        """The newest entries, which memory has no room for."""
        with self.changed:
            while len(self.waiting) > most:
                entry = self.waiting.pop()
                self.lost += isinstance(entry, Verdict)
                if isinstance(entry, Verdict) and entry.digest is not None:
                    self.digests.discard(entry.digest)

    def _settle(self, entry: Entry, place: int | None) -> None:
        if isinstance(entry, Verdict):
            entry.position = place or entry.position
            if entry.digest is not None:
                self.digests.discard(entry.digest)
        entry.pending.settle(known=isinstance(entry, Verdict) and place is None)


def bookkeeping(
    verdicts: Iterable[Verdict], durable: int, sinks: Iterable[tuple[str, int]]
) -> list[Statement]:
    """What a transaction writes beside its verdicts: what the next start must know."""
    last: dict[str, int] = {}
    for verdict in verdicts:
        record = verdict.record
        last[record.station] = max(record.sequence, last.get(record.station, 0))
    return [
        *((_SINK, sink) for sink in sinks),
        *((_SEQUENCE, station) for station in last.items()),
        (_POSITION, (durable,)),
    ]


def _raise_to(known: dict[str, int], found: Iterable[tuple[str, int]]) -> None:
    for name, value in found:
        known[name] = max(value, known.get(name, 0))


def _newest_sequences(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """Where a damaged file lost its table of sequences."""
    newest = "SELECT station, record, max(position) FROM verdicts GROUP BY station"
    found = []
    for station, text, _ in connection.execute(newest):
        with suppress(*DAMAGE):
            found.append((station, record_from(text).sequence))
    return found
