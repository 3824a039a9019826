"""Each request gets one frame: of a camera the first whole one captured after it."""

import queue
import threading
import time

import cv2
import numpy as np
import pytest

from slsg_edge.contracts import Fault, Frame
from slsg_edge.errors import ConfigError
from slsg_edge.line.settings.line import TriggerSettings
from slsg_edge.line.sources.source import open_source
from slsg_edge.line.triggers.requests import MOST, Requests
from slsg_edge.line.triggers.triggers import trigger_of

IMAGE = np.zeros((4, 4, 3), np.uint8)
LONG = 20.0


class Camera:
    """Gives what a test puts into it."""

    live = True

    def __init__(self):
        self.frames = queue.Queue()
        self.index = 0

    def show(self, fault=None, at=None):
        at = time.monotonic() if at is None else at
        image = None if fault else IMAGE
        self.frames.put(Frame(self.index, "camera", time.time(), at, image, fault))
        self.index += 1

    def end(self, how=None):
        self.frames.put(how)

    def __iter__(self):
        while (frame := self.frames.get()) is not None:
            if isinstance(frame, Exception):
                raise frame
            yield frame


class Taker:
    """Takes what the trigger chooses, as the loop of a station does."""

    def __init__(self, source, patience_ms=20_000, requests=None):
        self.requests = requests or Requests()
        settings = TriggerSettings("modbus", patience_ms=patience_ms)
        self.trigger = trigger_of(settings, self.requests)
        self.taken = queue.Queue()
        self._source = source
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            for frame in self.trigger.chosen(self._source):
                self.taken.put(frame)
        except RuntimeError as error:
            self.taken.put(error)
        self.taken.put(None)

    def next(self):
        return self.taken.get(timeout=LONG)

    def close(self):
        self.trigger.close()
        self._thread.join(LONG)
        return not self._thread.is_alive()


def wait_for(said):
    ends = time.monotonic() + LONG
    while not said():
        assert time.monotonic() < ends
        time.sleep(0.005)


def test_nothing_is_inspected_before_somebody_asks():
    camera = Camera()
    taker = Taker(camera)
    for _ in range(3):
        camera.show()
    wait_for(lambda: taker.trigger.skipped == 3)
    assert taker.trigger.idle
    taker.requests.ask(time.monotonic())
    assert not taker.trigger.idle
    camera.show(at=time.monotonic() - 5)  # was on its way: it shows what was there before
    camera.show()
    camera.show()
    assert taker.next().index == 4
    wait_for(lambda: taker.trigger.skipped == 5)
    assert taker.taken.empty()
    assert taker.close()


def test_a_lost_camera_is_known_while_nobody_asks():
    camera = Camera()
    taker = Taker(camera)
    assert taker.trigger.trouble is None
    camera.show(Fault("no_frame", "the cable is out"))
    wait_for(lambda: taker.trigger.trouble == "the cable is out")
    camera.show()
    wait_for(lambda: taker.trigger.trouble is None)
    assert taker.taken.empty()
    assert taker.close()


def test_each_of_two_requests_gets_the_first_frame_after_it():
    camera = Camera()
    taker = Taker(camera)
    now = time.monotonic()
    taker.requests.ask(now + 1)
    taker.requests.ask(now + 2)
    for at in (0.5, 1.5, 1.7, 2.5, 2.7):
        camera.show(at=now + at)
    assert [taker.next().index, taker.next().index] == [1, 3]
    assert taker.close()


def test_a_damaged_frame_does_not_answer_while_a_whole_one_may_come():
    camera = Camera()
    taker = Taker(camera)
    taker.requests.ask(time.monotonic())
    camera.show(Fault("damaged_frame", "torn"))
    camera.show()
    assert taker.next().index == 1
    assert taker.close()


@pytest.mark.parametrize("fault", [None, Fault("frozen", "the same picture again and again")])
def test_without_a_frame_in_time_the_answer_says_why(fault):
    camera = Camera()
    taker = Taker(camera, patience_ms=100)
    if fault:
        camera.show(Fault("damaged_frame", "an older fault"), at=time.monotonic() - 9)
    asked = time.monotonic()
    taker.requests.ask(asked)
    if fault:
        camera.show(fault)
    answer = taker.next()
    assert answer.image is None
    assert answer.captured_monotonic > asked
    expected = fault or Fault("no_frame", "no frame came within 100 ms of the trigger")
    assert answer.fault == expected
    assert taker.trigger.idle
    assert taker.close()


def test_files_are_read_when_they_are_asked_for(tmp_path):
    for level in (10, 20, 30):
        cv2.imwrite(str(tmp_path / f"{level}.png"), np.full((8, 8, 3), level, np.uint8))
    with open_source(tmp_path) as source:
        taker = Taker(source)
        for level in (10, 20, 30):
            asked = time.monotonic()
            taker.requests.ask(asked)
            frame = taker.next()
            assert frame.image.mean() == level
            assert frame.captured_monotonic >= asked
        taker.requests.ask(time.monotonic())
        wait_for(lambda: taker.trigger._ended)
        assert taker.close()


def test_what_the_source_raises_is_heard_of():
    camera = Camera()
    taker = Taker(camera)
    camera.end(RuntimeError("broken"))
    assert str(taker.next()) == "broken"


def test_it_ends_with_the_source():
    camera = Camera()
    taker = Taker(camera)
    camera.end()
    assert taker.next() is None


def test_closing_ends_it_while_the_camera_is_silent():
    taker = Taker(Camera())
    taker.requests.ask(time.monotonic())
    assert taker.close()


def test_requests_outlast_a_source_that_is_opened_anew():
    first = Taker(Camera())
    assert first.close()
    camera = Camera()
    second = Taker(camera, requests=first.requests)
    second.requests.ask(time.monotonic())
    camera.show()
    assert second.next().index == 0
    assert second.close()


def test_requests_do_not_pile_up():
    requests = Requests()
    asked = [requests.ask(float(moment)) for moment in range(MOST + 3)]
    assert asked.count(True) == MOST
    assert requests.refused == 3


def test_a_request_is_open_until_its_verdict_is_there():
    requests = Requests()
    requests.ask(1.0)
    requests.offer(Frame(0, "camera", 0.0, 1.5, IMAGE))
    frame = requests.answer(9, 0, lambda asked: pytest.fail("it has a frame"))
    assert requests.open
    assert not requests.settle(1.4)
    assert requests.settle(frame.captured_monotonic)
    assert not requests.open


def test_a_trigger_that_nothing_comes_through_is_refused():
    with pytest.raises(ConfigError, match=r"no \[\[mqtt\]\] table"):
        trigger_of(TriggerSettings("mqtt"), None)
