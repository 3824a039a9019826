"""Messages of a broker that ask for verdicts."""

import os
import time
from typing import TYPE_CHECKING, Any

from slsg_edge.line.mqtt import begin, end, mqtt_client
from slsg_edge.line.settings.sinks import MqttSettings
from slsg_edge.line.triggers.requests import Requests

if TYPE_CHECKING:
    pass


class MqttRequests:
    """Any message on `topic` asks for one verdict, from the moment that it arrives.

    What was sent while the connection was down, and what the broker retained, asks for nothing:
    the part that it was meant for is gone. trouble: why none can arrive just now.
    """

    def __init__(self, settings: MqttSettings, line: str, topic: str) -> None:
        self.requests = Requests()
        self.trouble: str | None = "not connected yet"
        self._where, self._topic = f"{settings.host}:{settings.port}", topic
        name = f"{line}-{settings.name}-trigger-{os.urandom(4).hex()}"
        self._client = mqtt_client(settings, name, clean=True)
        self._client.on_connect = self._connected
        self._client.on_connect_fail = self._failed
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._came
        begin(self._client, settings)

    def close(self) -> None:
        end(self._client)

    def _connected(self, client: Any, _: Any, __: Any, reason: Any, *___: Any) -> None:
        if reason.is_failure:
            self.trouble = f"{self._where} refuses the connection: {reason}"
            return
        client.subscribe(self._topic, qos=1)
        self.trouble = None

    def _failed(self, *_: Any) -> None:
        self.trouble = f"{self._where} takes no connection"

    def _disconnected(self, *_: Any) -> None:
        self.trouble = self.trouble or f"{self._where} was lost"

    def _came(self, _: Any, __: Any, message: Any) -> None:
        if not message.retain:
            self.requests.ask(time.monotonic())
