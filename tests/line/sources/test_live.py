import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import islice, takewhile
from pathlib import Path

import numpy as np
import pytest

from slsg_edge.contracts import Fault, Frame
from slsg_edge.line.sources.captures import CannotOpen, Capture, Deadlines, Picture
from slsg_edge.line.sources.live import MOST_FAULTS, FrameBuffer, LiveOptions, LiveSource
from slsg_edge.line.sources.source import open_source

QUICK = LiveOptions(
    stall=0.5, first_pause=0.05, last_pause=0.2, deadlines=Deadlines(open=2, read=0.3)
)
SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's python3-gi is there and not on PyPI


def until(frames: Iterator[Frame], *, image: bool) -> Frame:
    """The next frame with or without an image; none within 500 frames fails."""
    for _ in range(500):
        frame = next(frames)
        if (frame.image is not None) == image:
            return frame
    raise AssertionError("no such frame")


def frame(index: int, fault: str | None = None) -> Frame:
    return Frame(index, "test", 0.0, 0.0, fault=Fault("no_frame", fault) if fault else None)


def taken(buffer: FrameBuffer) -> list[tuple[int, str | None]]:
    """Everything that waits, by index and fault."""
    frames = iter(lambda: buffer.take(0), None)
    return [(frame.index, frame.fault.detail if frame.fault else None) for frame in frames]


def test_the_newest_frame_wins_and_the_others_are_counted():
    buffer = FrameBuffer()
    for index in range(3):
        buffer.put(frame(index))
    assert taken(buffer) == [(2, None)]
    assert buffer.dropped == 2
    assert buffer.take(0) is None


def test_a_fault_waits_until_it_is_taken_whatever_comes_after_it():
    buffer = FrameBuffer()
    faults = {1: "stopped sending", 4: "cannot be decoded"}
    for index in range(6):
        buffer.put(frame(index, faults.get(index)))
    assert taken(buffer) == [(1, "stopped sending"), (4, "cannot be decoded"), (5, None)]
    assert buffer.dropped == 3


def test_the_same_fault_again_is_counted_and_not_kept_twice():
    buffer = FrameBuffer()
    for index in range(3):
        buffer.put(frame(index, "cannot be reached"))
    buffer.put(frame(3, "stopped sending"))
    assert taken(buffer) == [(0, "cannot be reached, 3 times"), (3, "stopped sending")]
    assert buffer.dropped == 0


def test_so_many_faults_wait_and_the_rest_are_counted():
    buffer = FrameBuffer()
    for index in range(MOST_FAULTS + 3):
        buffer.put(frame(index, f"fault {index}"))
    buffer.put(frame(99))
    *waiting, last, image = taken(buffer)
    assert [index for index, _ in waiting] == list(range(MOST_FAULTS - 1))
    assert last == (MOST_FAULTS - 1, f"fault {MOST_FAULTS - 1}, then 3 other faults")
    assert image == (99, None)


def test_a_stream_gives_frames_without_its_password_in_them(camera):
    with open_source(camera.url, QUICK) as source:
        first = until(iter(source), image=True)
    assert source.live
    assert first.image.shape == (48, 64, 3)
    assert first.origin.startswith("http://***@127.0.0.1:")


def test_whoever_is_slow_gets_a_fresh_frame(camera):
    with open_source(camera.url, QUICK) as source:
        frames = iter(source)
        before = until(frames, image=True)
        asleep_from, asleep_at = camera.sent, time.monotonic()
        while camera.sent < asleep_from + 20:
            time.sleep(0.01)
        after = until(frames, image=True)
        assert after.index >= before.index + 10
        assert source.dropped >= 10
        assert after.captured_monotonic > asleep_at


def test_a_camera_that_dies_and_comes_back_is_taken_up_again(camera, capfd):
    with open_source(camera.url, QUICK) as source:
        frames = iter(source)
        until(frames, image=True)
        camera.stop()
        faults = [until(frames, image=False) for _ in range(4)]
        camera.size = (24, 32)
        camera.start()
        back = until(frames, image=True)
    said = " ".join(fault.fault.detail if fault.fault else "" for fault in faults)
    assert "stopped sending" in said
    assert "cannot be reached" in said
    assert "secret" not in said
    assert "".join(capfd.readouterr()) == ""  # neither OpenCV nor FFmpeg says a word
    assert back.image.shape == (24, 32, 3)
    assert back.index > faults[-1].index


def test_a_camera_that_sends_nothing_any_more_gives_faults(camera):
    with open_source(camera.url, QUICK) as source:
        frames = iter(source)
        until(frames, image=True)
        camera.silent = True
        until(frames, image=False)
        camera.silent = False
        assert until(frames, image=True).fault is None


def nothing() -> Capture:
    raise CannotOpen("off")


class BlockedCapture:
    """What OpenCV does on some dead cameras: a read that does not come back."""

    def __init__(self) -> None:
        self.entered, self.go_on = threading.Event(), threading.Event()

    def read(self) -> None:
        self.entered.set()
        self.go_on.wait()

    def close(self) -> None:
        pass


def test_a_read_that_never_returns_holds_up_neither_frames_nor_the_end():
    capture = BlockedCapture()
    with LiveSource(nothing, "camera", capture, LiveOptions(stall=0.05)) as source:
        assert capture.entered.wait(5)
        assert next(iter(source)).fault == Fault("no_frame", "no frame from camera for 0.05 s")
        started = time.monotonic()
    assert time.monotonic() - started < 4
    capture.go_on.set()


def test_reconnecting_waits_longer_each_time_up_to_a_limit():
    options = LiveOptions(first_pause=0.2, last_pause=5)
    capture = BlockedCapture()
    capture.go_on.set()
    with LiveSource(nothing, "camera", capture, options) as source:
        pauses = [0.0]
        for _ in range(7):
            pauses.append(source._longer(pauses[-1]))
    assert pauses[1:] == [0.2, 0.4, 0.8, 1.6, 3.2, 5, 5]


class ScriptedCapture:
    """Gives so many frames, then does what it was told to: ends, or raises."""

    def __init__(self, frames: int = 1, grab: object = None, release: object = None) -> None:
        self._left, self._grab, self._release = frames, grab, release
        self.released = False

    def read(self) -> Picture | None:
        self._left -= 1
        if self._left < 0 and isinstance(self._grab, BaseException):
            raise self._grab
        return Picture(np.zeros((4, 4, 3), np.uint8)) if self._left >= 0 else None

    def close(self) -> None:
        self.released = True
        if isinstance(self._release, BaseException):
            raise self._release


FAILURE = OSError("driver of rtsp://user:secret@camera lost")


@pytest.mark.parametrize("failure", [FAILURE, SystemExit(3)])
@pytest.mark.parametrize("where", ["grab", "release", "connect"])
def test_capturing_goes_on_after_whatever_a_driver_raises(where, failure):
    first = ScriptedCapture(**({} if where == "connect" else {where: failure}))
    attempts = iter([failure, ScriptedCapture()] if where == "connect" else [ScriptedCapture()])

    def connect() -> ScriptedCapture:
        attempt = next(attempts, CannotOpen("off"))
        if isinstance(attempt, BaseException):
            raise attempt
        return attempt

    options = LiveOptions(stall=0.1, first_pause=0.02, last_pause=0.02)
    with LiveSource(connect, "camera", first, options) as source:
        frames = islice(source, 50)
        assert next(frames).image is not None
        lost = takewhile(lambda frame: frame.image is None, frames)
        faults = [frame.fault.detail for frame in lost if frame.fault]
        assert len(faults) < 48  # an image came after them
    assert first.released
    (fault,) = (fault for fault in faults if fault.startswith("camera failed: "))
    assert fault.startswith(f"camera failed: {type(failure).__name__}: ")
    assert "secret" not in fault


def test_a_driver_that_raises_every_time_is_asked_with_the_same_pauses():
    attempts: list[float] = []

    def connect() -> None:
        attempts.append(time.monotonic())
        raise OSError("gone")

    options = LiveOptions(stall=0.05, first_pause=0.1, last_pause=10)
    with LiveSource(connect, "camera", ScriptedCapture(0), options):
        time.sleep(1.2)
    assert 2 <= len(attempts) <= 4  # after 0.1, 0.3, 0.7 and not yet 1.5 s


class RtspServer:
    """A real one, in a process of its own that can be killed."""

    def __init__(self) -> None:
        self.port = "0"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        script = Path(__file__).with_name("rtsp_server.py")
        command = [SYSTEM_PYTHON, str(script), self.port]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.port = self._process.stdout.readline().strip()

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None


@pytest.fixture
def rtsp_server() -> Iterator[RtspServer]:
    if sys.platform != "linux" or not _has_gstreamer_server():
        pytest.skip("needs Debian's gir1.2-gst-rtsp-server-1.0 and python3-gi")
    server = RtspServer()
    server.start()
    yield server
    server.kill()


def _has_gstreamer_server() -> bool:
    code = (
        "import gi; gi.require_version('GstRtspServer', '1.0')\n"
        "from gi.repository import Gst, GstRtspServer\n"
        "Gst.init(None); assert Gst.ElementFactory.find('x264enc')"
    )
    try:
        return subprocess.run([SYSTEM_PYTHON, "-c", code], capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.slow
def test_an_rtsp_server_that_is_killed_and_started_again_is_taken_up_again(rtsp_server):
    options = LiveOptions(first_pause=0.1, last_pause=0.5)
    url = f"rtsp://user:secret@127.0.0.1:{rtsp_server.port}/line"
    with open_source(url, options) as source:
        frames = iter(source)
        assert until(frames, image=True).image.shape == (240, 320, 3)
        rtsp_server.kill()
        lost = until(frames, image=False)
        assert lost.fault.detail == f"rtsp://***@127.0.0.1:{rtsp_server.port}/line stopped sending"
        rtsp_server.start()
        assert until(frames, image=True).index > lost.index
