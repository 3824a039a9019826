"""The web server of a line: its port, its end, and who connects and says nothing."""

import http.client
import logging
import socket
import threading
import time

import pytest
from fake_line import TOKEN

from slsg_edge.errors import ConfigError, MissingDependency
from slsg_edge.line.settings.line import HttpSettings

DEADLINE = 20.0


@pytest.fixture
def server_of(line):
    pytest.importorskip("uvicorn", reason="pip install 'slsg-edge[station]'")
    from slsg_edge.line.dashboard.app import make_app
    from slsg_edge.line.dashboard.serving import HttpServer

    opened = []

    def server(**settings):
        found = HttpServer(
            make_app(line, line.folder, TOKEN), HttpSettings(**{"port": 0, **settings})
        )
        opened.append(found)
        found.start()
        return found

    yield server
    for each in opened:
        each.close()


def ask(server, request, host="127.0.0.1"):
    """What comes back for these very bytes, until the connection ends."""
    with socket.create_connection((host, server.port), timeout=DEADLINE) as peer:
        peer.sendall(request)
        found = b""
        while part := peer.recv(65536):
            found += part
    return found


def head(path, host="localhost"):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()


def test_it_answers_until_it_is_closed(server_of):
    server = server_of()
    assert ask(server, head("/health/live")).startswith(b"HTTP/1.1 200")
    server.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE)
    again = server_of(port=server.port)
    assert ask(again, head("/health/live")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "settings",
    [{"host": "192.0.2.1"}, {"port": 70_000}, {"host": "no such host"}, {"host": "::ffff"}],
)
def test_an_address_that_cannot_be_had_is_a_sentence(server_of, settings):
    with pytest.raises(ConfigError, match="cannot listen"):
        server_of(**settings)


def test_a_port_that_is_taken_is_a_sentence(server_of):
    with pytest.raises(ConfigError, match=r"port \d+: Address already in use"):
        server_of(port=server_of().port)


@pytest.mark.parametrize(
    "path",
    ["/static/../app.py", "/../../../../etc/passwd", "/pictures/../../../etc/passwd", "/%2e%2e/a"],
)
def test_bytes_that_no_client_would_send_read_no_file(server_of, path):
    answer = ask(server_of(), head(path))
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"root:" not in answer
    assert b"import" not in answer


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nConnection: close\r\n\r\n",
    ],
)
def test_odd_requests_are_refused(server_of, request_):
    assert ask(server_of(), request_)[:10] == b"HTTP/1.1 4"


def test_who_asks_nothing_is_cut_off(server_of, monkeypatch):
    monkeypatch.setattr("slsg_edge.line.dashboard.serving._SILENCE", 0.2)
    server = server_of()
    for said in (b"", b"GET / HTTP/1.1\r\nHost:"):
        ask(server, said)  # it returns


def test_a_body_that_never_comes_is_not_waited_for(server_of, monkeypatch):
    monkeypatch.setattr("slsg_edge.line.dashboard.forms.PATIENCE", 0.2)
    answer = ask(
        server_of(),
        b"POST /leave HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n"
        b"Connection: close\r\n\r\nab",
    )
    assert answer.startswith(b"HTTP/1.1 400")


def test_it_ends_though_somebody_is_connected(server_of):
    server = server_of()
    kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
    kept.request("GET", "/health/live", headers={"host": "localhost"})
    kept.getresponse().read()
    started = time.monotonic()
    server.close()
    assert time.monotonic() - started < DEADLINE
    assert "http" not in {thread.name for thread in threading.enumerate()}
    kept.close()


def test_nothing_of_a_request_is_logged(server_of, caplog):
    caplog.set_level(logging.DEBUG)
    ask(server_of(), head(f"/enter?token={TOKEN.replace(' ', '%20')}"))
    assert "token" not in caplog.text


def test_what_is_missing_is_named(monkeypatch, line):
    import sys

    from slsg_edge.line.dashboard.app import make_app

    monkeypatch.setitem(sys.modules, "starlette", None)
    monkeypatch.delitem(sys.modules, "slsg_edge.line.dashboard.routes", raising=False)
    for name in [name for name in sys.modules if name.startswith("starlette.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingDependency, match=r"slsg-edge\[station\]"):
        make_app(line, line.folder, None)
