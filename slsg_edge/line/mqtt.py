"""A client of an MQTT broker as `line.toml` describes it: name, password, TLS, and how patient."""

import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from slsg_edge.errors import ConfigError, MissingDependency
from slsg_edge.line.settings.sinks import MqttSettings
from slsg_edge.line.sources.addresses import with_secrets

if TYPE_CHECKING:
    from paho.mqtt.client import Client
    from paho.mqtt.enums import MQTTErrorCode

_KEEP_ALIVE = 5  # seconds: a broker that hangs is noticed after twice as many
_SLOWEST = 5  # seconds between two attempts to connect
_PAUSE = 1.0  # seconds after what paho stumbled over
_ENDED = "ended"  # what a client is told of that is not to connect again


def mqtt_client(settings: MqttSettings, client_id: str, *, clean: bool = False) -> "Client":
    """One that is not connected yet. clean: the broker forgets it when it is lost.

    ConfigError for certificates, secrets and hosts that are wrong.
    """
    try:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError as error:
        raise MissingDependency("paho-mqtt", extra="station") from error
    _require_host(settings)
    client = Client(CallbackAPIVersion.VERSION2, client_id, clean_session=clean)
    client.reconnect_delay_set(1, _SLOWEST)
    client.max_inflight_messages_set(100)
    if settings.user:
        client.username_pw_set(with_secrets(settings.user), with_secrets(settings.password) or None)
    if settings.tls:
        client.tls_set_context(_context(settings))
    return client


def begin(client: "Client", settings: MqttSettings) -> None:
    """Tries to connect, for ever, in a thread of the client's own."""
    client.connect_async(settings.host, settings.port, _KEEP_ALIVE)
    # its thread calls this
    vars(client)["loop_forever"] = partial(_for_ever, client, client.loop_forever)
    client.loop_start()


def end(client: "Client") -> None:
    client.user_data_set(_ENDED)
    with suppress(Exception):
        client.disconnect()
    with suppress(Exception):
        client.loop_stop()


def _for_ever(
    client: "Client", loop_forever: Callable[..., "MQTTErrorCode"], *given: Any, **options: Any
) -> "MQTTErrorCode | None":
    """Also where paho stumbles over what a broker does, which would end its thread for good, as
    where one refuses the protocol and is gone then: the next connection is tried all the same.
    """
    while client.user_data_get() != _ENDED:
        try:
            return loop_forever(*given, **options)
        except Exception:
            _lose(client)
    return None


def _lose(client: "Client") -> None:
    """Ends a connection that paho stumbled over, and begins another one."""
    with suppress(Exception):
        if told := client.on_disconnect:
            told(client, None, None, "the broker went wrong", None)  # type: ignore[arg-type,call-arg]
    time.sleep(_PAUSE)
    with suppress(Exception):  # it also forgets what was read
        if client.user_data_get() != _ENDED:
            client.reconnect()


def _context(settings: MqttSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.certificate is not None:
            context.load_cert_chain(settings.certificate, settings.key_file)
    except (OSError, ValueError) as error:  # an error of TLS is an OSError
        raise ConfigError(
            f"The certificates of the sink {settings.name} cannot be used: "
            f"{getattr(error, 'strerror', None) or error}.",
            fix="Give PEM files that can be read as ca_file, certificate and key_file.",
        ) from error
    return context


def _require_host(settings: MqttSettings) -> None:
    """A name that cannot be looked up would end paho's thread without a word."""
    try:
        settings.host.encode("idna")
    except UnicodeError as error:
        raise ConfigError(
            f"The sink {settings.name} has the host {settings.host!r}, which is no name.",
            fix="Give the name or the address of the broker.",
        ) from error
    if not settings.host:
        raise ConfigError(f"The sink {settings.name} has no host.", fix="Give the broker's.")
