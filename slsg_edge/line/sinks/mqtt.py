"""Verdicts for an MQTT broker: each is confirmed by it before the outbox takes it for delivered.

One that was sent while the connection broke may arrive twice, with the same id.
"""

import re
from collections.abc import Sequence, Set
from dataclasses import replace

from slsg_edge.errors import ConfigError
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.outbox.rows import text_of
from slsg_edge.line.records import Record
from slsg_edge.line.settings.sinks import MqttSettings
from slsg_edge.line.sinks.mqtt_connection import Message, MqttConnection
from slsg_edge.line.sinks.sparkplug import SparkplugSpeech

_MOST = 50
_TIMEOUT = 15.0  # seconds for one batch
_BREAKS = 3
_SMALL = 1024  # bytes that every broker takes
_LEVEL = re.compile(r"[/+#\x00-\x1f]")  # what one level of a topic may not hold


class MqttJournal:
    """A client with a stable id and a session that outlives its connections."""

    most = _MOST

    def __init__(self, settings: MqttSettings, line: str) -> None:
        """ConfigError for settings that cannot work; whether the broker is there shows later."""
        self.name = settings.name
        client_id = f"{level(line)}-{level(settings.name)}"
        if settings.payload == "sparkplug":
            self._voice: _Plain | _Sparkplug = _Sparkplug(settings, line, client_id)
        elif settings.payload == "json":
            self._voice = _Plain(settings, line, client_id)
        else:
            raise ConfigError(
                f"The sink {settings.name} has the payload {settings.payload!r}.",
                fix="Give json or sparkplug.",
            )

    def take(self, batch: Sequence[Stored]) -> None:
        """OSError where the broker has not confirmed all of them."""
        self._voice.take(batch)

    def close(self) -> None:
        self._voice.connection.close()


class _State:
    """`online` while the client is connected, `offline` else; retained, so that who comes later
    knows it too.
    """

    commands = None

    def __init__(self, settings: MqttSettings, line: str) -> None:
        self.topic = f"{settings.topic}/{level(line)}"

    def will(self) -> Message:
        return Message(f"{self.topic}/state", b"offline", retain=True)

    def greeting(self) -> Sequence[Message]:
        return (self.online(),)

    def farewell(self) -> Message:
        return self.will()

    def online(self) -> Message:
        return Message(f"{self.topic}/state", b"online", retain=True)

    def answer(self, payload: bytes) -> Sequence[Message]:
        return ()


class _Plain:
    """JSON, QoS 1.

    A broker ends the connection at a message that is too large for it, again and again; so after
    some such ends in a row the large ones go without their detail.
    """

    def __init__(self, settings: MqttSettings, line: str, client_id: str) -> None:
        self._largest, self._state = settings.largest, _State(settings, line)
        self._settings, self._client_id = settings, client_id
        self._sent: dict[str, tuple[int, int]] = {}  # by id: number, and bytes; paho sends it again
        self._connect()

    def take(self, batch: Sequence[Stored]) -> None:
        try:
            self._send(batch)
        except ConnectionError:
            self._broke()
            raise
        self._sent.clear()
        self._before = self.connection.made

    def _connect(self) -> None:
        self.connection = MqttConnection(self._settings, self._client_id, self._state)
        self._before = 0  # how often it was connected when all was confirmed

    def _send(self, batch: Sequence[Stored]) -> None:
        session = self.connection.session()
        self._forget_others({stored.record.id for stored in batch})
        for stored in batch:
            if stored.record.id not in self._sent:
                message = self._message(stored)
                number = self.connection.publish(message)
                self._sent[stored.record.id] = number, len(message.payload)
        self.connection.wait([number for number, _ in self._sent.values()], session, _TIMEOUT)

    def _forget_others(self, ids: Set[str]) -> None:
        """Of former batches."""
        self._sent = {one: sent for one, sent in self._sent.items() if one in ids}
        numbers = {number for number, _ in self._sent.values()}
        self.connection.forget(unless=numbers.__contains__)

    def _broke(self) -> None:
        largest = max((size for _, size in self._sent.values()), default=0)
        if self.connection.made - self._before < _BREAKS or largest <= _SMALL:
            return
        self._largest = max(largest // 2, _SMALL)
        self._sent.clear()
        self.connection.close()  # with what it would send again
        self._connect()

    def _message(self, stored: Stored) -> Message:
        record = stored.record
        topic = f"{self._state.topic}/{level(record.station or 'station')}/verdict"
        return Message(topic, _payload(record, self._largest))


class _Sparkplug:
    """Sparkplug B sends verdicts at QoS 0, which nobody confirms; so the state is sent after them
    at QoS 1: a broker takes messages in order, and has them all when it confirms that one.
    """

    def __init__(self, settings: MqttSettings, line: str, client_id: str) -> None:
        self._state = _State(settings, line)
        self._speech = SparkplugSpeech(level(settings.topic), level(line))
        self.connection = MqttConnection(settings, client_id, self._speech)

    def take(self, batch: Sequence[Stored]) -> None:
        self.connection.session()  # which may wait, and would do so for nothing under the lock
        with self.connection.lock:
            session = self.connection.session()
            self.connection.forget(unless=lambda number: False)
            for stored in batch:
                station = level(stored.record.station or "station")
                for message in self._speech.verdict(station, stored.record):
                    self.connection.publish(message)
            number = self.connection.publish(self._state.online())
        self.connection.wait((number,), session, _TIMEOUT)


def level(name: str) -> str:
    """A name as one level of a topic."""
    return _LEVEL.sub("_", name) or "_"


def _payload(record: Record, largest: int) -> bytes:
    """What is too large goes without its detail, and then without what else is of any length."""
    payload = text_of(record).encode()
    if len(payload) > largest:
        payload = text_of(replace(record, detail=None)).encode()
    if len(payload) > largest:
        payload = text_of(replace(record, detail=None, origin="", drift=())).encode()
    return payload
