"""Whether each sink answers, and each server may listen. Nothing is written or sent to them.

A verdict that is none would be worse than none, so a broker is only connected to, under a client
id of its own, and a web server is only asked for its headers.
"""

import importlib
import os
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from slsg_edge.errors import ConfigError, MissingDependency, SlsgError, StorageError
from slsg_edge.line.check.answers import SinkCheck, told
from slsg_edge.line.settings.checking import is_loopback
from slsg_edge.line.settings.line import LineSettings
from slsg_edge.line.settings.sinks import (
    JsonLinesSettings,
    ModbusSettings,
    MqttSettings,
    OpcUaSettings,
    WebhookSettings,
)
from slsg_edge.line.settings.tables import SinkSettings, sinks_of
from slsg_edge.line.sources.addresses import with_secrets
from slsg_edge.storage import storage_error

_PATIENCE = 5.0  # seconds for one peer
_RECORD = bytes(4096)  # about what a verdict takes on the disk
_REFUSED = frozenset({401, 403, 404, 410})


def check_sinks(settings: LineSettings) -> Iterator[SinkCheck]:
    """The folder of the line, its page, then each sink."""
    yield _checked("folder", "folder", lambda: _folder(settings.folder))
    if settings.http.enabled:
        yield _checked("http", "page", lambda: _page(settings))
    for kind, sink in sinks_of(settings):
        yield _checked(sink.name, kind, partial(_answer, sink, settings.name))


def stored_ms(folder: Path) -> float:
    """How long the disk takes for a durable verdict; StorageError where nothing can be written."""
    place = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            begun = time.perf_counter()
            file.write(_RECORD)
            file.flush()
            os.fsync(file.fileno())
            return (time.perf_counter() - begun) * 1000
    except OSError as error:
        raise storage_error(place, error) from error


def _checked(name: str, kind: str, ask: Callable[[], str]) -> SinkCheck:
    try:
        return SinkCheck(name, kind, True, ask())
    except Exception as error:  # whatever a library makes of a peer, the next sink is asked
        what, fix = told(error)
        return SinkCheck(name, kind, False, what, fix)


def _answer(sink: SinkSettings, line: str) -> str:
    if isinstance(sink, MqttSettings):
        return _mqtt(sink, line)
    if isinstance(sink, ModbusSettings | OpcUaSettings):
        package, extra = ("pymodbus", "station"), ("asyncua", "opcua")
        _require_package(*(package if isinstance(sink, ModbusSettings) else extra))
        return _may_listen(sink.host, sink.port) + _reach(sink.host)
    if isinstance(sink, WebhookSettings):
        return _webhook(sink)
    return _file(sink)


def _existing(folder: Path) -> Path:
    """The folder, or what it would be made in."""
    return next((each for each in (folder, *folder.parents) if each.exists()), Path("/"))


def _folder(folder: Path) -> str:
    place = _existing(folder)
    if not place.is_dir():
        raise StorageError(f"{place} is no folder.", fix="Give another `folder`.")
    return f"{folder} takes a verdict in {stored_ms(folder):.1f} ms"


def _page(settings: LineSettings) -> str:
    http = settings.http
    _require_package("starlette", "station")
    _require_package("uvicorn", "station")
    with_secrets(http.token)
    return _may_listen(http.host, http.port)


def _require_package(name: str, extra: str) -> None:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingDependency(name, extra=extra) from error


def _may_listen(host: str, port: int) -> str:
    where = f"{host}:{port}"
    try:
        family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family[0], family[1]) as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(family[4])
    except PermissionError as error:
        raise ConfigError(
            f"This user may not listen on {where}.",
            fix="Give a port above 1023, or let the service do it: slsg-edge line install.",
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{where} cannot be listened on: {error.strerror or error}.",
            fix="Stop what listens there, as the line itself, or give another port.",
        ) from error
    return f"{where} is free"


def _reach(host: str) -> str:
    """A PLC on its own gets no answer from an address of loopback, and nothing else says so."""
    if not is_loopback(host):
        return ""
    return ", for this PC alone: `host` lets other machines in, as 0.0.0.0"


def _mqtt(sink: MqttSettings, line: str) -> str:
    _require_package("paho.mqtt.client", "station")
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2, client_id=f"{line}-{sink.name}-check")
    answered, answers = threading.Event(), list[Any]()

    def connected(*arguments: Any) -> None:
        answers.append(arguments[3])
        answered.set()

    client.on_connect = connected
    client.connect_timeout = _PATIENCE
    if sink.user:
        client.username_pw_set(with_secrets(sink.user), with_secrets(sink.password))
    if sink.tls:
        client.tls_set(_text(sink.ca_file), _text(sink.certificate), _text(sink.key_file))
    try:
        client.connect(sink.host, sink.port)
    except OSError as error:
        raise _unreachable(f"{sink.host}:{sink.port}", error) from error
    client.loop_start()
    try:
        return _connack(sink, answered.wait(_PATIENCE), answers)
    finally:
        client.disconnect()
        client.loop_stop()


def _text(path: Path | None) -> str | None:
    return str(path) if path else None


def _connack(sink: MqttSettings, in_time: bool, answers: list[Any]) -> str:
    where = f"{sink.host}:{sink.port}"
    if not in_time:
        raise ConfigError(f"{where} does not answer as a broker does.", fix="Check the port.")
    if answers[0].is_failure:
        raise ConfigError(
            f"{where} refuses: {answers[0]}.", fix="Check `user` and `password` of the table."
        )
    return f"{where} answers"


def _webhook(sink: WebhookSettings) -> str:
    url = with_secrets(sink.url)
    if not url.startswith(("http://", "https://")):
        raise ConfigError("Its url is no web address.", fix='Give url = "https://…".')
    headers = {"Authorization": f"Bearer {with_secrets(sink.bearer)}"} if sink.bearer else {}
    request = urllib.request.Request(url, method="HEAD", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
            status = response.status
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
    except urllib.error.URLError as error:
        raise _unreachable("The server", error.reason) from error
    if status in _REFUSED or status >= 500:
        raise ConfigError(f"The server answers {status}.", fix="Check `url` and `bearer`.")
    return f"the server answers {status}"


def _unreachable(what: str, reason: object) -> SlsgError:
    text = getattr(reason, "strerror", None) or str(reason)
    return ConfigError(
        f"{what} cannot be reached: {text}.", fix="Check the address and the network."
    )


def _file(sink: JsonLinesSettings) -> str:
    place = _existing(sink.path)
    folder = place if place.is_dir() else place.parent
    if sink.path.is_dir() or (place != sink.path and not place.is_dir()):
        raise StorageError(f"{sink.path} cannot be a file.", fix="Give another `path`.")
    if not os.access(folder, os.W_OK | os.X_OK) or (
        sink.path.exists() and not os.access(sink.path, os.W_OK)
    ):
        raise StorageError(f"{sink.path} cannot be written.", fix="Check its permissions.")
    return f"{sink.path} can be written"
