"""Pictures and videos that are real files, and a camera that is a real HTTP server."""

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

STEP = 8  # grey levels from one frame of a camera or a video to the next
PAUSE = 0.02  # seconds between the frames of a camera


class Camera:
    """Sends JPEG pictures, each STEP lighter than the one before, to whoever connects.

    `silent`: takes connections and sends nothing.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.silent = False
        self.size = (48, 64)
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self._on = threading.Event()

    @property
    def url(self) -> str:
        return f"http://user:secret@127.0.0.1:{self._port}/live.mjpg"

    def start(self) -> None:
        self._on.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler())
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """As if unplugged: no connection stays, none is taken."""
        self._on.clear()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _picture(self) -> bytes:
        level = self.sent * STEP % 256
        self.sent += 1
        return cv2.imencode(".jpg", np.full((*self.size, 3), level, np.uint8))[1].tobytes()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """The test's output stays clean."""

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                while camera._on.is_set():
                    if not camera.silent and not self._send(camera._picture()):
                        return
                    time.sleep(PAUSE)

            def _send(self, picture: bytes) -> bool:
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n"
                try:
                    self.wfile.write(head.encode() + b"\r\n" + picture + b"\r\n")
                except OSError:
                    return False
                return True

        return Handler


@pytest.fixture
def camera() -> Iterator[Camera]:
    """Switched on; every test switches it off again."""
    made = Camera()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[[int], Path]:
    """An MP4 of so many frames, each STEP lighter than the one before."""

    def make(frames: int) -> Path:
        path = tmp_path / "parts.mp4"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (64, 48))
        for index in range(frames):
            writer.write(np.full((48, 64, 3), index * STEP % 256, np.uint8))
        writer.release()
        return path

    return make


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """A folder: two dark parts, one light one, one truncated file, and things that are no image."""
    folder = tmp_path / "parts"
    (folder / "b").mkdir(parents=True)
    (folder / ".cache").mkdir()
    for name, level in (("a.png", 40), ("c.png", 220), ("b/a.png", 60), (".cache/x.png", 250)):
        cv2.imwrite(str(folder / name), np.full((48, 64, 3), level, np.uint8))
    (folder / "d.png").write_bytes((folder / "a.png").read_bytes()[:60])
    (folder / "notes.txt").write_text("none")
    return folder
