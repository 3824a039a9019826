"""What an outbox holds."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from slsg_edge.line.records import Record

EventKind: TypeAlias = Literal[
    "started",  # the line began, or a station was loaded anew
    "stopped",  # in order
    "source",  # a camera was lost, came back, or is idle
    "detector",  # failed, hangs, was opened again
    "sink",  # does not take verdicts, or does again
    "disk",  # is full, has room again; pictures are not kept, or are again
    "drift",  # good parts no longer look as they did
    "clock",  # the wall clock jumped
    "change",  # somebody changed something
    "update",  # a look for new bundles: something was taken, or refused
    "deploy",  # another bundle was switched to, is on trial, was kept or taken back
]


@dataclass(frozen=True, slots=True)
class Stored:
    """A verdict at its position; positions rise in the order of storing.

    durable: whether the disk has it. Only while the disk takes nothing may a sink see one that
    is not.
    """

    position: int
    record: Record
    durable: bool = True


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened beside verdicts; nothing overwrites it.

    at: UTC seconds. station: empty where it is of the whole line. state: in one word what is so
    from now on, as `lost` or `ok`. text: a sentence for people.
    """

    position: int
    at: float
    kind: EventKind
    station: str
    state: str
    text: str
