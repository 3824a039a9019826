"""Verdicts for a web server that answers, or does anything else."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from records_made import record

from slsg_edge.errors import ConfigError
from slsg_edge.line.outbox.delivery import Delivery
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.outbox.outbox import Outbox
from slsg_edge.line.settings.sinks import WebhookSettings
from slsg_edge.line.sinks.webhook import WebhookJournal

DEADLINE = 20.0


class Mes:
    """Does as it is told: a status, or `hang`, `trickle`, `close` or `nonsense`."""

    def __init__(self) -> None:
        self.does: int | str = 200
        self.got: list[object] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.connections = 0
        self.free = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Ours", (Handler,), {"mes": self}))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def url(self, user: str = "") -> str:
        return f"http://{user}127.0.0.1:{self.server.server_port}/verdicts"

    def close(self) -> None:
        self.free.set()
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    """mes: set by a subclass."""

    protocol_version = "HTTP/1.1"
    mes: "Mes"

    def setup(self) -> None:
        self.mes.connections += 1
        super().setup()

    def log_message(self, *_: object) -> None:
        """The test's output stays clean."""

    def do_POST(self) -> None:
        body, does = self.rfile.read(int(self.headers["Content-Length"])), self.mes.does
        if isinstance(does, int):
            self._answer(does, body)
        else:
            self._misbehave(does)

    def _misbehave(self, does: str) -> None:
        while does in ("hang", "trickle") and not self.mes.free.wait(0.05):
            if does == "trickle":
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if does == "nonsense":
            self.wfile.write(b"220 mail.example ESMTP\r\n")
        self.close_connection = True

    def _answer(self, status: int, body: bytes) -> None:
        if 200 <= status < 300:
            self.mes.got.append(json.loads(body))
            self.mes.headers.append(dict(self.headers))
            self.mes.paths.append(self.path)
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")


@pytest.fixture
def mes() -> Iterator[Mes]:
    made = Mes()
    yield made
    made.close()


def batch(*sequences: int) -> list[Stored]:
    return [Stored(number, record(number)) for number in sequences]


def test_one_verdict_is_an_object_and_more_are_a_list(mes, monkeypatch):
    monkeypatch.setenv("MES_TOKEN", "s3cret")
    settings = WebhookSettings(url=mes.url(), bearer="${MES_TOKEN}")
    with closing(WebhookJournal(settings)) as journal:
        assert journal.most == 1
        for number in (1, 2, 3):
            journal.take(batch(number))
    assert [one["sequence"] for one in mes.got] == [1, 2, 3]
    assert mes.headers[0]["Authorization"] == "Bearer s3cret"
    assert mes.headers[0]["Content-Type"] == "application/json"
    assert mes.connections == 1  # it is kept open
    with closing(WebhookJournal(WebhookSettings(url=mes.url("ann:p%40ss@"), batch=10))) as journal:
        journal.take(batch(4, 5))
        journal.take(batch(6))
    assert [[one["sequence"] for one in many] for many in mes.got[3:]] == [[4, 5], [6]]
    assert mes.headers[-1]["Authorization"] == "Basic YW5uOnBAc3M="
    assert set(mes.paths) == {"/verdicts"}


@pytest.mark.parametrize("does", [500, 404, 302, "close", "nonsense", "hang", "trickle"])
def test_what_is_not_answered_with_2xx_is_not_delivered(mes, does):
    settings = WebhookSettings(url=mes.url("ann:secret@"), timeout_s=0.5)
    with closing(WebhookJournal(settings)) as journal:
        mes.does = does
        with pytest.raises(OSError, match=r"http://\*\*\*@127.0.0.1:\d+/verdicts") as raised:
            journal.take(batch(1))
        assert "secret" not in str(raised.value)
        if isinstance(does, int):
            assert f"answers {does}" in str(raised.value)
        if does in ("hang", "trickle"):
            assert "no answer within 0.5 s" in str(raised.value)
        mes.does = 201
        mes.free.set()
        journal.take(batch(1))
    assert [one["sequence"] for one in mes.got] == [1]


def test_a_connection_that_the_server_closed_meanwhile_is_made_again(mes):
    with closing(WebhookJournal(WebhookSettings(url=mes.url()))) as journal:
        journal.take(batch(1))
        journal._connection.sock.shutdown(socket.SHUT_RDWR)
        journal.take(batch(2))
    assert [one["sequence"] for one in mes.got] == [1, 2]
    assert mes.connections == 2


def test_all_arrive_in_order_whatever_happened_in_between(mes, tmp_path):
    warned: list[str] = []
    mes.does = 503
    with (
        closing(Outbox(tmp_path / "line", warned.append)) as outbox,
        closing(Delivery(outbox, warned.append)) as delivery,
    ):
        journal = WebhookJournal(WebhookSettings(url=mes.url(), batch=7))
        delivery.add_journal(journal, "webhook", None)
        for number in range(1, 31):
            outbox.put(record(number))
        end = time.monotonic() + DEADLINE
        while not delivery.statuses()[0].failures and time.monotonic() < end:
            time.sleep(0.01)
        assert "answers 503" in delivery.statuses()[0].trouble
        mes.does = 200
        while delivery.statuses()[0].waiting and time.monotonic() < end:
            time.sleep(0.01)
    assert [one["sequence"] for many in mes.got for one in many] == list(range(1, 31))


@pytest.mark.parametrize(
    "url", ["", "mes/verdicts", "ftp://mes/x", "http://", "http://mes:x/", "http://a..b/", "[::"]
)
def test_a_url_that_nothing_can_be_posted_to_is_refused(url):
    with pytest.raises(ConfigError, match=r"sink webhook has the URL|The address"):
        WebhookJournal(WebhookSettings(url=url))


def test_a_token_of_several_lines_is_refused(monkeypatch):
    monkeypatch.setenv("MES_TOKEN", "a\nb: c")
    with pytest.raises(ConfigError, match="token of the sink webhook"):
        WebhookJournal(WebhookSettings(url="http://mes/", bearer="${MES_TOKEN}"))
