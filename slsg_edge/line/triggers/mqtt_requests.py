"""Messages of a broker that ask for verdicts."""

import os
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from slsg_edge.errors import ConfigError, MissingDependency
from slsg_edge.line.settings.sinks import MqttSettings
from slsg_edge.line.sources.addresses import with_secrets
from slsg_edge.line.triggers.requests import Requests

if TYPE_CHECKING:
    from paho.mqtt.client import Client

_KEEP_ALIVE = 5  # seconds: a broker that went without a word is noticed after twice as many
_LONGEST_PAUSE = 2  # seconds between two attempts to connect


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
        self._client.connect_async(settings.host, settings.port, _KEEP_ALIVE)
        self._client.loop_start()

    def close(self) -> None:
        with suppress(OSError, ValueError):
            self._client.disconnect()
        self._client.loop_stop()

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


def mqtt_client(settings: MqttSettings, name: str, *, clean: bool) -> "Client":
    """One that is not connected yet. clean: the broker forgets it when it is lost."""
    try:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError as error:
        raise MissingDependency("paho-mqtt", extra="station") from error
    client = Client(CallbackAPIVersion.VERSION2, name, clean_session=clean)
    client.reconnect_delay_set(1, _LONGEST_PAUSE)
    if settings.user:
        client.username_pw_set(with_secrets(settings.user), with_secrets(settings.password))
    if settings.tls:
        client.tls_set_context(_trusting(settings))
    return client


def _trusting(settings: MqttSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.certificate is not None:
            context.load_cert_chain(settings.certificate, settings.key_file)
    except OSError as error:
        raise ConfigError(
            f"The certificates of MQTT '{settings.name}' cannot be read: {error.strerror}.",
            fix="Check ca_file, certificate and key_file in line.toml.",
        ) from error
    return context
