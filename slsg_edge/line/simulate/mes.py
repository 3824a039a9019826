"""An MES on a desk: it takes verdicts over MQTT or HTTP, and checks that none is missing."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from slsg_edge.line.mqtt import begin, end, mqtt_client
from slsg_edge.line.settings.sinks import MqttSettings
from slsg_edge.line.simulate.ledger import Ledger
from slsg_edge.line.sinks.listening import check_free

_LARGEST = 16 << 20  # bytes of a request


class MqttMes:
    """Has a session that outlives an outage, so that the broker keeps what it misses."""

    def __init__(self, settings: MqttSettings, line: str, say: Callable[[str], None]) -> None:
        self.ledger, self._say = Ledger(), say
        self._topic = f"{settings.topic}/{line}/+/verdict"
        self._client = mqtt_client(settings, f"{line}-{settings.name}-mes", clean=False)
        self._client.on_connect = self._connected
        self._client.on_message = self._came
        begin(self._client, settings)

    def close(self) -> None:
        end(self._client)

    def _connected(self, client: Any, _: Any, __: Any, reason: Any, *___: Any) -> None:
        if reason.is_failure:
            self._say(f"the broker refuses the connection: {reason}")
        else:
            client.subscribe(self._topic, qos=1)
            self._say(f"listening to {self._topic}")

    def _came(self, _: Any, __: Any, message: Any) -> None:
        self._say(self.ledger.take(_parsed(message.payload)))


class WebhookMes:
    """An HTTP server on this machine; it answers 204 to verdicts, and 400 to anything else.

    ConfigError when nothing can listen there.
    """

    def __init__(self, host: str, port: int, say: Callable[[str], None]) -> None:
        self.ledger, self._say, self._lock = Ledger(), say, threading.Lock()
        check_free("The webhook's receiver", "mes", host, port)
        self._server = ThreadingHTTPServer((host, port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_port

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, content: bytes) -> bool:
        verdicts = _parsed(content)
        with self._lock:
            before = self.ledger.unreadable
            for verdict in verdicts if isinstance(verdicts, list) else [verdicts]:
                self._say(self.ledger.take(verdict))
            return self.ledger.unreadable == before

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        mes = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Each verdict is told of already."""

            def do_POST(self) -> None:
                length = self.headers.get("Content-Length", "")
                if not length.isdecimal() or int(length) > _LARGEST:
                    self.close_connection = True
                    self._answer(411)
                    return
                self._answer(204 if mes._take(self.rfile.read(int(length))) else 400)

            def _answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        return Handler


def _parsed(content: bytes) -> object:
    """The bytes themselves where they are no JSON."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content[:200]
