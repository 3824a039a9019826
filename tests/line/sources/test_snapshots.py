"""A URL that gives one picture for each request."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice

import cv2
import numpy as np
import pytest

from slsg_edge.errors import CameraError
from slsg_edge.line.sources.live import LiveOptions
from slsg_edge.line.sources.snapshots import Snapshots
from slsg_edge.line.sources.source import open_source

OPTIONS = LiveOptions(every=0.02)


class Server:
    """Answers each request with the next of `answers`, then with the last: code, kind, content."""

    def __init__(self):
        self.answers, self.asked = [], []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """The test's output stays clean."""

            def do_GET(self):
                server.asked.append(self.headers.get("Authorization"))
                answers = server.answers
                code, kind, content = answers.pop(0) if len(answers) > 1 else answers[0]
                self.send_response(code)
                self.send_header("Content-Type", kind)
                if code == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://user:secret@127.0.0.1:{self._server.server_port}/snap.jpg?pin=secret"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


def jpeg(level):
    image = np.random.default_rng(level).integers(0, 255, (64, 64, 3), np.uint8)
    return 200, "image/jpeg", cv2.imencode(".jpg", image)[1].tobytes()


def read(server, count):
    snapshots = Snapshots(server.url, 0.0, 1.0)
    return [snapshots.read() for _ in range(count)]


def test_it_is_asked_again_and_again(server):
    server.answers = [jpeg(level) for level in range(40)]
    with open_source(server.url, OPTIONS) as source:
        frames = list(islice(source, 4))
    assert source.live
    assert all(frame.image is not None and frame.image.shape == (64, 64, 3) for frame in frames)
    assert "secret" not in frames[0].origin


def test_an_answer_that_is_no_picture_is_a_fault(server):
    html = 200, "text/html", b"<html>"
    code, kind, content = jpeg(1)
    cut, noise = (code, kind, content[: len(content) // 2]), (200, "image/jpeg", b"noise")
    server.answers = [jpeg(0), html, (404, "text/plain", b""), (500, "text/plain", b""), cut, noise]
    pictures = read(server, 6)
    assert [picture.fault and picture.fault.reason for picture in pictures] == [
        None, "no_frame", "no_frame", "no_frame", "damaged_frame", "unreadable",
    ]  # fmt: skip
    assert all(picture.image is None for picture in pictures[1:])


def test_the_same_picture_again_and_again_is_frozen(server):
    server.answers = [jpeg(0)]
    with open_source(server.url, OPTIONS) as source:
        frames = list(islice(source, 30))
    assert frames[-1].fault.reason == "frozen"


def test_the_password_is_given_where_it_is_asked_for(server):
    server.answers = [(401, "text/plain", b""), jpeg(0)]
    assert read(server, 1)[0].image is not None
    assert server.asked[-1].startswith("Basic ")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((404, "text/plain", b""), "it answers 404"),
        ((401, "text/plain", b""), "it answers 401"),
        ((200, "text/html", b"<html>"), "text/html and not with pictures"),
    ],
)
def test_an_address_that_gives_no_pictures_is_refused_at_once(server, answer, why):
    server.answers = [answer]
    with pytest.raises(CameraError, match=why) as caught:
        open_source(server.url, OPTIONS)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_host_that_is_not_known_is_refused_at_once(scheme):
    with pytest.raises(CameraError, match="its host is not known"):
        open_source(f"{scheme}://nowhere.invalid/1")
