import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from relay import Relay

from slsg_edge.contracts import Frame
from slsg_edge.line.sources.captures import Deadlines
from slsg_edge.line.sources.decoders import BLIND, decoder_reports_damage
from slsg_edge.line.sources.live import LiveOptions
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


def until_reason(frames: Iterator[Frame], reason: str) -> Frame:
    return next(
        frame for frame in islice(frames, 500) if frame.fault and frame.fault.reason == reason
    )


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
    assert "cannot be reached: Connection refused" in said
    assert "secret" not in said
    said = "".join(capfd.readouterr())
    assert said.strip() == (
        "" if decoder_reports_damage() else BLIND
    )  # neither OpenCV nor FFmpeg says a word
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


def watched(source, seconds, started=None):
    """Every frame of so many seconds: when it came, and the frame."""
    started = time.monotonic() if started is None else started
    frames = []
    for frame in source:
        frames.append((time.monotonic() - started, frame))
        if time.monotonic() - started > seconds:
            return frames
    raise AssertionError("a live source has no end")


def reason(frame):
    return frame.fault.reason if frame.fault else None


@pytest.fixture
def relay(rtsp_server):
    made = Relay(int(rtsp_server.port))
    yield made
    made.close()


@pytest.mark.slow
def test_an_rtsp_server_that_is_killed_and_started_again_is_taken_up_again(rtsp_server):
    url = f"rtsp://user:secret@127.0.0.1:{rtsp_server.port}/line"
    with open_source(url) as source:
        frames = iter(source)
        assert until(frames, image=True).image.shape == (240, 320, 3)
        rtsp_server.kill()
        # what was on its way when the server died may arrive in part first
        lost = until_reason(frames, "no_frame")
        assert lost.fault.detail == f"rtsp://***@127.0.0.1:{rtsp_server.port}/line stopped sending"
        time.sleep(2)
        rtsp_server.start()
        assert until(frames, image=True).index > lost.index


@pytest.mark.slow
def test_a_peer_that_falls_silent_is_noticed_and_late_pictures_are_late(relay):
    with open_source(f"rtsp://127.0.0.1:{relay.port}/line") as source:
        until(iter(source), image=True)
        watched(source, 1)
        relay.mode = "hold"
        until_reason(iter(source), "no_frame")
        assert all(frame.image is None for _, frame in watched(source, 2.5))
        relay.mode = "pass"
        assert until(iter(source), image=True)


@pytest.mark.slow
def test_what_was_held_up_is_stale_and_not_told_as_fresh(relay):
    with open_source(f"rtsp://127.0.0.1:{relay.port}/line") as source:
        until(iter(source), image=True)
        watched(source, 0.5)
        relay.mode = "hold"
        threading.Timer(1.3, setattr, (relay, "mode", "pass")).start()
        frames = watched(source, 2)
    released = [(at, frame) for at, frame in frames if at > 1 and reason(frame) != "no_frame"]
    assert reason(released[0][1]) == "stale"
    # all of them came at once, and are told to be as old as they are
    taken = [frame.captured_monotonic for at, frame in released if frame.image is not None]
    assert min(taken) < max(taken) - 0.2


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["lose", "alter"])
def test_after_a_loss_nothing_is_inspected_until_a_whole_keyframe(relay, mode):
    with open_source(f"rtsp://127.0.0.1:{relay.port}/line") as source:
        until(iter(source), image=True)
        relay.mode = mode
        frames = [frame for at, frame in watched(source, 2.5) if at > 1]
        assert {reason(frame) for frame in frames} == {"damaged_frame"}
        relay.mode = "pass"
        assert until(iter(source), image=True)
