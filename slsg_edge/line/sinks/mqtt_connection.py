"""A connection to a broker that is made again whenever it is lost, and says what has arrived."""

import sys
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from slsg_edge.line.mqtt import begin, end, mqtt_client
from slsg_edge.line.settings.sinks import MqttSettings

_UNANSWERED = "it does not answer yet"
_FIRST = 3.0  # seconds
_FAREWELL = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Message:
    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


class Speech(Protocol):
    """What is said beside verdicts, and when."""

    def will(self) -> Message:
        """Asked for before each attempt to connect: what the broker says when this client is
        lost.
        """

    def greeting(self) -> Sequence[Message]:
        """Once connected."""

    def farewell(self) -> Message:
        """At an end in order."""

    @property
    def commands(self) -> str | None:
        """A topic to listen on."""

    def answer(self, payload: bytes) -> Sequence[Message]:
        """To what came on it."""


class MqttConnection:
    """Tries to connect from the beginning, and for ever."""

    def __init__(self, settings: MqttSettings, client_id: str, speech: Speech) -> None:
        """ConfigError for certificates, secrets and hosts that are wrong."""
        self._where, self._speech = f"{settings.host}:{settings.port}", speech
        # What is said in one session follows in order under `lock`. paho calls `_on_confirmed`
        # with a lock of its own that `publish` takes too, so that one takes `_changed` only.
        self.lock = threading.RLock()
        self._changed = threading.Condition()
        self._confirmed: set[int] = set()
        self.made = 0  # connections
        self._session = 0  # the number of the one that is; 0 while there is none
        self._why = _UNANSWERED
        self._client = mqtt_client(settings, client_id)
        self._client.on_pre_connect = self._before
        self._client.on_connect = self._on_connected
        self._client.on_connect_fail = self._on_failed
        self._client.on_disconnect = self._on_lost
        self._client.on_publish = self._on_confirmed
        self._client.on_message = self._on_command
        self._before()
        begin(self._client, settings)

    def session(self) -> int:
        """Which connection this is; ConnectionError where there is none.

        The first one is waited for, so that no start begins with a warning.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._session or self._why != _UNANSWERED, _FIRST)
            if not self._session:
                raise ConnectionError(f"the broker {self._where}: {self._why}")
            return self._session

    def publish(self, message: Message) -> int:
        """The number that its confirmation will have; ConnectionError where it cannot be sent."""
        sent = self._client.publish(
            message.topic, message.payload, message.qos, retain=message.retain
        )
        if message.qos == 0 and sent.rc:
            raise ConnectionError(f"the broker {self._where} was lost")
        return sent.mid

    def wait(self, numbers: Collection[int], session: int, timeout: float) -> None:
        """Until all are confirmed, without a break; ConnectionError or TimeoutError."""
        wanted = set(numbers)

        def settled() -> bool:
            return wanted <= self._confirmed or self._session != session

        with self._changed:
            in_time = self._changed.wait_for(settled, timeout)
            if wanted <= self._confirmed and self._session == session:
                self._confirmed -= wanted
                return
        if in_time:
            raise ConnectionError(f"the broker {self._where}: {self._why}")
        raise TimeoutError(f"the broker {self._where} confirmed nothing for {timeout:g} s")

    def close(self) -> None:
        """Says farewell where somebody listens."""
        farewell = self._speech.farewell()
        if self._session:
            with suppress(Exception):
                sent = self._client.publish(
                    farewell.topic, farewell.payload, farewell.qos, retain=farewell.retain
                )
                sent.wait_for_publish(_FAREWELL)
        end(self._client)

    def _before(self, *_: object) -> None:
        will = self._speech.will()
        self._client.will_set(will.topic, will.payload, will.qos, will.retain)

    def _on_connected(self, client: Any, _: Any, __: Any, reason: Any, *___: Any) -> None:
        if reason.is_failure:
            self._lost(f"it refuses the connection ({reason})")
            return
        with self.lock:
            for message in self._speech.greeting():
                client.publish(message.topic, message.payload, message.qos, retain=message.retain)
            with self._changed:
                self.made += 1
                self._session = self.made
        if self._speech.commands:
            client.subscribe(self._speech.commands, qos=1)

    def _on_failed(self, *_: object) -> None:
        """paho calls this while it handles the error, and says it nowhere else."""
        error = sys.exc_info()[1]
        self._lost(getattr(error, "strerror", None) or str(error or "it takes no connection"))

    def _on_lost(self, _: Any, __: Any, ___: Any, reason: Any, *____: Any) -> None:
        if self._session:
            self._lost(f"the connection was lost ({reason})")
        elif self._why == _UNANSWERED:  # else it is known why
            self._lost("it ended the connection without an answer; does it want TLS?")

    def _lost(self, why: str) -> None:
        with self._changed:
            self._session, self._why = 0, why
            self._changed.notify_all()

    def _on_confirmed(self, _: Any, __: Any, number: int, *___: Any) -> None:
        with self._changed:
            self._confirmed.add(number)
            self._changed.notify_all()

    def _on_command(self, client: Any, _: Any, message: Any) -> None:
        with suppress(Exception), self.lock:  # whatever somebody sends
            for each in self._speech.answer(message.payload):
                client.publish(each.topic, each.payload, each.qos, retain=each.retain)

    def forget(self, unless: Callable[[int], bool]) -> None:
        """Confirmations that nobody will ask for."""
        with self._changed:
            self._confirmed = set(filter(unless, self._confirmed))
