"""What comes over the network: requests of browsers, of a PLC, and what a broker sends."""

import asyncio
import atexit
import shutil
import tempfile
import traceback
import warnings
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import conftest as toys
from fake_line import TOKEN, FakeLine
from fuzz.target import Target

from slsg_edge.line.mqtt import mqtt_client
from slsg_edge.line.outbox.outbox import Outbox
from slsg_edge.line.settings.sinks import ModbusSettings, MqttSettings
from slsg_edge.line.sinks.modbus import ModbusDisplay
from slsg_edge.line.sinks.sparkplug import SparkplugSpeech
from slsg_edge.line.triggers.mqtt_requests import MqttRequests
from slsg_edge.line.triggers.requests import Requests

_HOST = b"host: localhost\n"
_BEARER = b"authorization: Bearer " + TOKEN.encode() + b"\n"
_FORM = b"content-type: application/x-www-form-urlencoded\n"
_JSON = b"content-type: application/json\n"
_HTTP = (
    b"GET / " + _HOST + b"accept: text/html\n",
    b"GET /stations/cap?heat=0&changed=1 " + _HOST + b"accept: text/html\n",
    b"GET /stations/cap/threshold?value=0.4 " + _HOST,
    b"GET /rejects?before=3 " + _HOST + b"cookie: slsg-edge=1\n",
    b"GET /pictures/ID?size=small&heat=1 " + _HOST,
    b"GET /stations/cap/picture.jpg?heat=1 " + _HOST,
    b"GET /static/page.css " + _HOST,
    b"GET /api/status " + _HOST,
    b"GET /metrics " + _HOST,
    b"POST /rejects/ID/label " + _HOST + _BEARER + _FORM + b"\nlabel=bad&by=Ada",
    b"POST /rejects/ID/label " + _HOST + _BEARER + _JSON + b'\n{"label": "good", "by": "Ada"}',
    b"POST /stations/cap/threshold " + _HOST + _BEARER + _JSON
    + b'\n{"value": 0.4, "why": "scratches", "by": "Ada"}',
    b"POST /enter " + _HOST + b"origin: http://localhost\n" + _JSON
    + b'\n{"token": "x", "who": "Ada", "next": "/rejects"}',
    b"POST /rejects/export " + _HOST + _BEARER,
    b"POST /leave " + _HOST + b"origin: http://localhost\n",
)  # fmt: skip
_PATHS = (b"/rejects/", b"/audit", b"/events", b"/health/live", b"/health/ready", b"/..%2f", b"ID")


class _Dashboard:
    """The application as a server would call it, on a line with verdicts in a real outbox."""

    def __init__(self) -> None:
        from slsg_edge.line.dashboard.app import make_app

        folder = Path(tempfile.mkdtemp(prefix="slsg-fuzz-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        (folder / "line").mkdir()
        bundle = toys.build_bundle(folder / "toy.slsg", toys.TOY.read_bytes(), toys.HALF)
        self.line = FakeLine(folder / "line", bundle.path)
        made = [self.line.inspect("cap", score) for score in (0.1, 0.9, None)]
        outbox = Outbox(folder / "line", lambda _: None)
        for record in made:
            assert outbox.put(record).wait(20)
        self.line.kept_outbox = outbox  # type: ignore[assignment]
        self.reject = made[1].id.encode()
        self._app = make_app(self.line, self.line.folder, TOKEN)
        self._loop = asyncio.new_event_loop()
        self._clients = count()

    def answer(self, content: bytes) -> int:
        """400 for what the server itself refuses: it reads requests with h11."""
        import h11

        head, _, body = content.replace(b"ID", self.reject).partition(b"\n\n")
        words, _, rest = head.partition(b"\n")
        method, _, target = words.partition(b" ")
        target, _, first = target.partition(b" ")
        lines = [b"%s %s HTTP/1.1" % (method, target), first, *rest.split(b"\n")]
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(b"\r\n".join(line for line in lines if line) + b"\r\n\r\n")
        try:
            request = connection.next_event()
        except h11.RemoteProtocolError:
            return 400
        if not isinstance(request, h11.Request):
            return 400
        return self._loop.run_until_complete(self._asked(request, body))

    async def _asked(self, request: Any, body: bytes) -> int:
        path, _, query = request.target.partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method.decode("ascii"),
            "scheme": "http",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers],
            "client": (f"10.0.0.{next(self._clients)}", 1),  # who guesses tokens must wait
            "server": ("localhost", 80),
        }
        given = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[Any] = []

        async def receive() -> Any:
            return given.pop() if given else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        status = int(sent[0]["status"])
        assert status < 500 or status == 503, status
        return status


@cache
def _dashboard() -> _Dashboard:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _Dashboard()


class _Wire(asyncio.Transport):
    """The other end of a connection of the server."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


_READ = bytes.fromhex("123400000006010300000010")
_MODBUS = (
    _READ,
    bytes.fromhex("000100000006010400000010"),
    bytes.fromhex("0001000000060105 0003ff00".replace(" ", "")),
    bytes.fromhex("000100000006010100000400"),
    bytes.fromhex("000100000008010f00030004010f"),
    bytes.fromhex("00010000000b0110000000020400010002"),
    bytes.fromhex("000100000006000300000010"),
    bytes.fromhex("00010000000401 2b0e 01 00".replace(" ", "")),
)


class _Plc:
    """The real server of one station, fed without a socket."""

    def __init__(self) -> None:
        self._display = ModbusDisplay(ModbusSettings(port=0), ["cap"])
        self._kept = self._display.requests(3)
        self.failures: list[str] = []
        self._display._loop._loop.set_exception_handler(
            lambda _, context: self.failures.append(str(context))
        )

    def say(self, content: bytes) -> bytes:
        return self._display._loop.run(self._said(content), 20)

    async def _said(self, content: bytes) -> bytes:
        handler = self._display._server.callback_new_connection()
        wire = _Wire()
        handler.connection_made(wire)
        handler.data_received(content)
        for _ in range(12):
            await asyncio.sleep(0)
        handler.callback_disconnected(None)
        return wire.written


@cache
def _plc() -> _Plc:
    return _Plc()


def _modbus(content: bytes, _: Path) -> None:
    """Whatever somebody sends, the PLC reads its registers afterwards."""
    plc = _plc()
    plc.say(content)
    answer = plc.say(_READ)
    assert answer[:2] == _READ[:2], answer
    assert answer[7:9] == b"\x03\x20", answer
    assert not plc.failures, plc.failures


class _Socket:
    """Gives what a broker sent, and takes whatever is answered."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def recv(self, most: int) -> bytes:
        given, self._content = self._content[:most], self._content[most:]
        return given

    def send(self, data: bytes) -> int:
        return len(data)

    def close(self) -> None: ...

    def fileno(self) -> int:
        return -1


_MQTT = (
    b"\x20\x02\0\0",
    b"\x20\x02\0\5",
    b"\x30\x07\0\2gohey",
    b"\x32\x09\0\2go\0\1hey",
    b"\x31\x07\0\2gohey",
    b"\x90\x03\0\1\1",
    b"\x40\x02\0\1",
    b"\xd0\0",
    b"\x20\x02\0\0\x30\x1d\0\2goNode Control/Rebirth\x08\1\2",
    b"\xe0\0",
)


def _mqtt(content: bytes, _: Path) -> None:
    """What paho itself raises ends a connection, and not its thread; ours raises nothing."""
    client = mqtt_client(MqttSettings(), "fuzz")
    requests = MqttRequests.__new__(MqttRequests)
    requests.requests, requests.trouble = Requests(), None
    requests._where, requests._topic = "broker", "go"
    client.on_connect, client.on_disconnect = requests._connected, requests._disconnected
    client.on_message = requests._came
    client._sock = _Socket(content)  # type: ignore[assignment]
    try:
        for _packet in range(20):
            if client.loop_read() or client._sock is None:
                break
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1].filename
        assert "slsg_edge" not in last, traceback.format_exc()
    finally:
        client._sock = None
    speech = SparkplugSpeech("group", "node")
    for message in speech.answer(content):
        assert message.payload


TARGETS = (
    Target("http request", lambda: _HTTP, lambda c, _: _dashboard().answer(c), _PATHS),
    Target("modbus request", lambda: _MODBUS, _modbus),
    Target("mqtt packet", lambda: _MQTT, _mqtt),
)
