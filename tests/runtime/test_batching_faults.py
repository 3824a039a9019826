"""What hangs, fails or answers wrongly behind a shared detector keeps nobody waiting for ever."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from batches import Batches, frame, waiting_together

from slsg_edge.errors import EngineError
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime import batching
from slsg_edge.runtime.batching import SharedDetector, SharingOptions

SPEC = Preprocessing(32, 32)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_wrong_count_of_answers_is_told_to_each_and_the_next_frame_is_inspected(count):
    class Miscounting(Batches):
        def detect_batch(self, frames):
            predictions = super().detect_batch(frames)
            return (predictions * 2)[:count] if len(frames) == 2 else predictions

    batches = Miscounting()
    with SharedDetector(lambda: batches, SharingOptions(cameras=2)) as shared:
        for error in waiting_together(batches, shared, [frame(1), frame(2)]):
            assert isinstance(error, EngineError)
            assert f"batches gave {count} answers for 2 frames" in error.what
        assert shared.detect(frame(7)).image_score == 7


@pytest.mark.parametrize("error", [TimeoutError("of a socket"), SystemExit(3)])
def test_even_what_ends_a_thread_belongs_to_who_asked(error):
    class Ending(Batches):
        def detect_batch(self, frames):
            if frames[0][0, 0, 0] == 9:
                raise error
            return super().detect_batch(frames)

    with SharedDetector(Ending, SharingOptions(cameras=1)) as shared:
        with pytest.raises(type(error), match=str(error)):
            shared.detect(frame(9))
        assert shared.detect(frame(7)).image_score == 7


def test_a_bug_with_one_frame_leaves_the_others_of_its_batch_alone():
    batches = Batches()
    with SharedDetector(lambda: batches, SharingOptions(cameras=4)) as shared:
        first, bug, third = waiting_together(batches, shared, [frame(1), frame(255), frame(3)])
    assert (first, third) == (1, 3)
    assert isinstance(bug, ValueError)


QUICK = SharingOptions(cameras=2, deadline=0.2)


def test_a_call_that_hangs_is_told_to_all_that_wait_and_at_once_to_who_comes_later():
    batches = Batches()
    shared = SharedDetector(lambda: batches, QUICK)
    batches.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        hanging = pool.submit(shared.detect, frame(1))
        batches.entered.acquire()
        waiting = pool.submit(shared.detect, frame(2))
        for future in (hanging, waiting):
            with pytest.raises(EngineError, match=r"batches hangs.* 0\.2 s.*Start the program"):
                future.result(30)
    with pytest.raises(EngineError, match="hangs"):
        shared.detect(frame(3))
    assert not shared._waiting.qsize() > 1  # what fails at once is not kept
    batches.gate.set()
    assert score_once_it_answers(shared, frame(4)) == 4
    assert batches.sizes == [1, 1]  # nobody worked for the frame that was given up
    shared.close()


def score_once_it_answers(shared: SharedDetector, given: np.ndarray) -> float:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            return shared.detect(given).image_score
        except EngineError:
            time.sleep(0.01)
    raise AssertionError("it never answered again")


def test_closing_does_not_wait_for_a_call_that_hangs_which_closes_the_detector_once_it_returns():
    class Closing(Batches):
        def __init__(self) -> None:
            super().__init__()
            self.closed = threading.Event()

        def close(self) -> None:
            self.closed.set()

    batches = Closing()
    shared = SharedDetector(lambda: batches, QUICK)
    batches.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        hanging = pool.submit(shared.detect, frame(1))
        batches.entered.acquire()
        pool.submit(shared.close).result(30)
        with pytest.raises(EngineError, match="hangs"):
            hanging.result(30)
    assert not batches.closed.is_set()
    batches.gate.set()
    assert batches.closed.wait(30)


def test_a_detector_that_hangs_while_it_is_closed_is_not_waited_for():
    release = threading.Event()
    batches = Batches()
    batches.close = lambda: release.wait(60)
    shared = SharedDetector(lambda: batches, QUICK)
    started = time.monotonic()
    shared.close()
    assert time.monotonic() - started < 30
    release.set()


def test_what_fails_outside_a_batch_is_told_to_who_waits_to_who_comes_and_to_who_closes():
    class Broken(Batches):
        @property
        def largest_batch(self) -> int:
            self.gate.wait(10)
            raise OSError("no profile")

        @largest_batch.setter
        def largest_batch(self, value: int) -> None:
            """As a `Batches` sets it."""

    batches = Broken()
    shared = SharedDetector(lambda: batches, SharingOptions(cameras=2))
    batches.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(shared.detect, frame(n)) for n in (1, 2)]
        while not shared._in_work or not shared._waiting.qsize():
            time.sleep(0.001)
        batches.gate.set()
        for future in futures:
            with pytest.raises(OSError, match="no profile"):
                future.result(30)
    with pytest.raises(EngineError, match=r"thread ended: OSError: no profile.*Open the detector"):
        shared.detect(frame(3))
    with pytest.raises(OSError, match="no profile"):
        shared.close()
    shared.close()


def test_what_fails_while_closing_is_raised_where_it_was_closed():
    batches = Batches()
    batches.close = lambda: 1 // 0
    shared = SharedDetector(lambda: batches, SharingOptions(cameras=2))
    assert shared.detect(frame(1)).image_score == 1
    with pytest.raises(ZeroDivisionError):
        shared.close()


def test_a_detector_without_a_name_is_closed_and_said_where_it_was_opened():
    class Nameless(Batches):
        @property
        def name(self) -> str:  # type: ignore[override]
            raise ValueError("no name")

    batches = Nameless()
    with pytest.raises(ValueError, match="no name"):
        SharedDetector(lambda: batches, SharingOptions(cameras=2))
    assert batches.threads == {"detector"}


def test_a_detector_that_opens_too_late_is_said_and_closed(monkeypatch):
    release, batches = threading.Event(), Batches()

    def open_late() -> Batches:
        release.wait(10)
        return batches

    monkeypatch.setattr(batching, "_OPENING_DEADLINE", 0.05)
    with pytest.raises(EngineError, match=r"did not open within 0\.05 s"):
        SharedDetector(open_late, SharingOptions(cameras=2))
    release.set()
    until = time.monotonic() + 30
    while not batches.threads and time.monotonic() < until:
        time.sleep(0.001)
    assert batches.threads == {"detector"}
