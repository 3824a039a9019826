"""A camera on the network, as a station meets one: JPEG pictures over HTTP from its own process.

So it can be stopped and killed like a cable that is pulled or a camera without power.
"""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.golden import golden_from
from slsg_edge.bundle.plan import GOLDEN_FILE
from slsg_edge.errors import CameraError

_QUALITY = 95  # of JPEG
_PICTURES = 64  # different ones; a sensor never gives the same picture twice in a row
_NOISE = 2.0  # grey levels
_STARTS = 60.0  # seconds that it may take


class BenchCamera:
    """Golden frames of a bundle with a little noise, `rate` a second, from the moment `start`
    returns.
    """

    def __init__(self, bundle: Path, rate: float) -> None:
        self._bundle, self._rate = bundle, rate
        self._port = free_port()
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/live.mjpg"

    def start(self) -> float:
        """Seconds of the monotonic clock when it began to listen. CameraError where it cannot."""
        command = [sys.executable, "-m", __name__, str(self._bundle), str(self._port)]
        self._process = subprocess.Popen(
            [*command, str(self._rate)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if not said:
            raise CameraError(
                f"A camera at port {self._port} could not be simulated.",
                fix="Run the command again; another program may have taken the port.",
            )
        return float(said)

    def pull(self) -> None:
        """As a cable that is pulled: the connection stays, and nothing comes."""
        self._signal(signal.SIGSTOP)

    def plug_in(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """As a camera that loses its power."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def __enter__(self) -> "BenchCamera":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)


def free_port() -> int:
    """One of this machine that nobody listens on just now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def pictures_of(bundle: Path) -> list[bytes]:
    """JPEG files of golden frames with noise."""
    import cv2

    opened = open_bundle(bundle)
    frames = golden_from(opened.content(GOLDEN_FILE)).frames
    noise = np.random.default_rng(0)
    pictures = []
    for index in range(_PICTURES):
        frame = frames[index % len(frames)]
        noisy = np.clip(frame + noise.normal(0, _NOISE, frame.shape), 0, 255).astype(np.uint8)
        done, jpeg = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        pictures.append(jpeg.tobytes() if done else b"")
    return pictures


def _serve(bundle: Path, port: int, rate: float) -> None:
    pictures = pictures_of(bundle)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """What is measured stays alone on the terminal."""

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            for part in _parts(pictures, rate):
                try:
                    self.wfile.write(part)
                except OSError:
                    return

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print(time.monotonic(), flush=True)
    server.serve_forever()


def _parts(pictures: list[bytes], rate: float) -> Iterator[bytes]:
    index, due = 0, time.monotonic()
    while True:
        jpeg = pictures[index % len(pictures)]
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
        yield head.encode() + jpeg + b"\r\n"
        index, due = index + 1, max(due + 1 / rate, time.monotonic() - 1)
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
