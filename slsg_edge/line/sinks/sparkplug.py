"""Sparkplug B (version 3): births, deaths and verdicts of a line as an edge node.

The line is the edge node and each station a device of it. The few messages that are needed are
encoded here: a payload is Protocol Buffers with a time, metrics and a sequence number.
"""

import struct
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from slsg_edge.line.outbox.rows import seconds_of
from slsg_edge.line.records import Record
from slsg_edge.line.sinks.mqtt_connection import Message

Value: TypeAlias = "int | float | bool | str | None"

INT64, UINT64, DOUBLE, BOOLEAN, STRING = 4, 8, 10, 11, 12  # types of metrics
_VARINT, _FIXED64, _BYTES = 0, 1, 2  # how Protocol Buffers write a field
_REBIRTH = "Node Control/Rebirth"
_COUNT = 256  # of sequence numbers


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    kind: int
    value: Value


class SparkplugSpeech:
    """The numbers of a session; used under the lock of its connection.

    A host application tells by them whether it has missed anything: `seq` counts the messages
    from a birth on, `bdSeq` ties the death of a session to its birth.
    """

    def __init__(self, group: str, node: str) -> None:
        self._group, self._node = group, node
        # not from 0 at each start: the will of a killed process may come after our birth
        self._session = int(time.time()) % _COUNT
        self._seq = 0
        self._born: set[str] = set()

    @property
    def commands(self) -> str | None:
        return self._topic("NCMD")

    def will(self) -> Message:
        """A new session from now on."""
        self._session = (self._session + 1) % _COUNT
        return self.farewell()

    def farewell(self) -> Message:
        return Message(self._topic("NDEATH"), payload([self._death()], None), qos=1)

    def greeting(self) -> Sequence[Message]:
        """The birth of the node; that of a device comes with its first verdict."""
        self._seq = 0
        self._born.clear()
        metrics = [self._death(), Metric(_REBIRTH, BOOLEAN, False)]
        return (Message(self._topic("NBIRTH"), payload(metrics, 0), qos=0),)

    def answer(self, command: bytes) -> Sequence[Message]:
        return self.greeting() if _REBIRTH.encode() in command else ()

    def verdict(self, station: str, record: Record) -> Sequence[Message]:
        metrics = metrics_of(record)
        at = seconds_of(record.captured_at)
        messages = []
        if station not in self._born:
            self._born.add(station)
            messages.append(self._device("DBIRTH", station, metrics, at))
        return (*messages, self._device("DDATA", station, metrics, at))

    def _device(self, kind: str, station: str, metrics: Iterable[Metric], at: float) -> Message:
        self._seq = (self._seq + 1) % _COUNT
        return Message(f"{self._topic(kind)}/{station}", payload(metrics, self._seq, at), qos=0)

    def _death(self) -> Metric:
        return Metric("bdSeq", INT64, self._session)

    def _topic(self, kind: str) -> str:
        return f"spBv1.0/{self._group}/{kind}/{self._node}"


def metrics_of(record: Record) -> list[Metric]:
    return [
        Metric("id", STRING, record.id),
        Metric("sequence", UINT64, record.sequence),
        Metric("verdict", STRING, record.verdict),
        Metric("score", DOUBLE, record.score),
        Metric("threshold", DOUBLE, record.threshold),
        Metric("p_value", DOUBLE, record.p_value),
        Metric("reason", STRING, record.reason),
        Metric("detail", STRING, record.detail),
        Metric("age_ms", DOUBLE, record.age_ms),
        Metric("bundle", STRING, record.bundle),
        Metric("image", STRING, record.image),
        Metric("drift", STRING, ",".join(record.drift)),
    ]


def payload(metrics: Iterable[Metric], seq: int | None, at: float | None = None) -> bytes:
    """A death has no sequence number. at: UTC seconds of what the metrics are of."""
    now = _milliseconds(time.time())
    of_metrics = now if at is None else _milliseconds(at)
    fields = [_number(1, now)]
    fields += [_text(2, _metric(metric, of_metrics)) for metric in metrics]
    return b"".join([*fields, *([] if seq is None else [_number(3, seq)])])


def _metric(metric: Metric, at: int) -> bytes:
    head = _text(1, metric.name.encode(errors="replace")) + _number(3, at) + _number(4, metric.kind)
    return head + (_number(7, 1) if metric.value is None else _value(metric.kind, metric.value))


def _value(kind: int, value: Value) -> bytes:
    if kind == STRING:
        return _text(15, str(value).encode(errors="replace"))
    if kind == BOOLEAN:
        return _number(14, int(bool(value)))
    if kind == DOUBLE:
        return _key(13, _FIXED64) + struct.pack("<d", value)
    return _number(11, int(value or 0))


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value)


def _text(field: int, content: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(content)) + content


def _key(field: int, how: int) -> bytes:
    return _varint(field << 3 | how)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    value &= 2**64 - 1
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _milliseconds(seconds: float) -> int:
    return max(int(seconds * 1000), 0)
