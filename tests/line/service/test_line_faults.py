"""What a line does when something outside of it fails, with real peers."""

import os
import signal
import time
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from awaited import until
from lines import comes_to, line_file, reaches, running, station, verdicts

from slsg_edge.contracts import Prediction
from slsg_edge.runtime.batching import SharedDetector


@pytest.fixture
def camera(camera):
    """One that shows something."""

    def picture():
        shown = np.full((48, 64, 3), 40 + camera.sent % 100, np.uint8)
        shown[::4] += 60
        camera.sent += 1
        return cv2.imencode(".jpg", shown)[1].tobytes()

    camera._picture = picture
    return camera


QUICK = "[station.limits]\nsilent_ms = 800\nfrozen_after = 0\n"


def newest(service, name="a"):
    return verdicts(service, name)[-1]


def source_states(service):
    """The newest first, as far as they are stored by now."""
    return [each.state for each in service.outbox.events() if each.kind == "source"]


@pytest.mark.slow
def test_a_camera_that_dies_is_undecided_and_inspected_again_when_it_is_back(
    toy_bundle, tmp_path, camera
):
    path = line_file(tmp_path, station("a", toy_bundle, camera.url, QUICK))
    with running(path) as service:
        comes_to(service, "ok")
        camera.stop()
        comes_to(service, "lost")
        assert newest(service).verdict == "undecided"
        camera.start()
        comes_to(service, "ok")
        status = service.stations.named("a").status()
        assert status.reconnects >= 1
        until(lambda: source_states(service)[:3] == ["ok", "lost", "ok"])


@pytest.mark.slow
def test_a_capturing_process_that_stands_still_is_replaced(toy_bundle, tmp_path, camera):
    path = line_file(tmp_path, station("a", toy_bundle, camera.url, QUICK))
    with running(path) as service:
        comes_to(service, "ok")
        (child,) = children()
        os.kill(child, signal.SIGSTOP)
        comes_to(service, "lost")
        comes_to(service, "ok")
        assert children() != (child,)


def children():
    """Of this process, by their numbers."""
    own = str(os.getpid())
    found = []
    for state in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = state.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[1] == own and fields[0] != "Z" and b"capture_child" in command_of(state.parent):
            found.append(int(state.parent.name))
    return tuple(found)


def command_of(process):
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("prediction", "words"),
    [
        (Prediction(np.zeros((32, 32), np.float32), float("nan")), "the score nan"),
        (Prediction(np.full((32, 32), np.inf, np.float32), 0.5), "NaN or infinity"),
        (Prediction(np.zeros((3, 3), np.float32), 0.5), "a map"),
    ],
)
def test_an_answer_that_is_none_is_undecided(toy_bundle, tmp_path, monkeypatch, prediction, words):
    monkeypatch.setattr(SharedDetector, "detect", lambda self, frame: prediction)
    path = line_file(tmp_path, station("a", toy_bundle, more="[station.limits]\nfailures = 99999"))
    with running(path) as service:
        reaches(service, "a", 3)
        assert {each.verdict for each in verdicts(service, "a")} == {"undecided"}
        assert words in newest(service).detail
        comes_to(service, "failing")


def test_a_detector_that_is_slower_than_the_camera_gets_the_newest_frame(
    toy_bundle, tmp_path, monkeypatch
):
    detect = SharedDetector.detect

    def slow(self, frame):
        time.sleep(0.2)
        return detect(self, frame)

    monkeypatch.setattr(SharedDetector, "detect", slow)
    path = line_file(tmp_path, station("a", toy_bundle))  # 50 frames a second
    with running(path) as service:
        reaches(service, "a", 8)
        found = verdicts(service, "a")
        status = service.stations.named("a").status()
    assert status.dropped >= 5 * (len(found) - 2)
    captured = [each.captured_monotonic for each in found]
    # each was taken after the one before it had been inspected
    assert all(after - before > 0.19 for before, after in pairwise(captured))
