import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest

from slsg_edge.contracts import Prediction
from slsg_edge.errors import CameraError, ConfigError, EngineError
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime import batching
from slsg_edge.runtime.batching import PreparedBatches, SharedDetector, SharingOptions
from slsg_edge.runtime.onnxruntime import OnnxRuntimeDetector

SPEC = Preprocessing(32, 32)


class Batches:
    """A `BatchDetector` whose score is the first pixel; it holds on while `gate` is shut."""

    name = "batches"

    def __init__(self, largest: int = 4) -> None:
        self.largest_batch = largest
        self.sizes: list[int] = []
        self.threads: set[str] = set()
        self.gate, self.entered = threading.Event(), threading.Semaphore(0)
        self.gate.set()

    def detect_batch(self, frames):
        self.entered.release()
        self.gate.wait(10)
        self.threads.add(threading.current_thread().name)
        self.sizes.append(len(frames))
        if any(frame.shape[0] != 4 for frame in frames):
            raise CameraError("odd frame", fix="")
        if any(frame[0, 0, 0] == 255 for frame in frames):
            raise ValueError("a bug")
        return [Prediction(frame[..., 0] * 1.0, float(frame[0, 0, 0])) for frame in frames]

    def close(self):
        self.threads.add(threading.current_thread().name)


def frame(value: int, side: int = 4) -> np.ndarray:
    return np.full((side, 4, 3), value, np.uint8)


def waiting_together(batches: Batches, shared: SharedDetector, given: list) -> list:
    """The answers, or errors, when all of `given` wait while a first frame is in work."""
    batches.gate.clear()
    with ThreadPoolExecutor(len(given) + 1) as pool:
        first = pool.submit(shared.detect, frame(0))
        batches.entered.acquire()
        rest = [pool.submit(shared.detect, image) for image in given]
        while shared._waiting.qsize() < len(given):
            pass
        batches.gate.set()
        assert first.result().image_score == 0
        return [future.exception() or future.result().image_score for future in rest]


def test_frames_that_wait_at_the_same_time_go_as_one_batch():
    batches = Batches()
    with SharedDetector(lambda: batches, SharingOptions(cameras=4)) as shared:
        assert waiting_together(batches, shared, [frame(n) for n in (1, 2, 3)]) == [1, 2, 3]
    assert batches.sizes == [1, 3]


def test_no_batch_is_larger_than_the_engine_takes():
    batches = Batches(largest=2)
    with SharedDetector(lambda: batches, SharingOptions(cameras=9)) as shared:
        assert waiting_together(batches, shared, [frame(n) for n in range(1, 6)]) == [1, 2, 3, 4, 5]
    assert batches.sizes == [1, 2, 2, 1]


def test_one_camera_waits_for_nobody():
    batches = Batches()
    with SharedDetector(lambda: batches, SharingOptions(cameras=1, patience=1)) as shared:
        for value in range(20):  # would take 20 s if each waited for company
            assert shared.detect(frame(value)).image_score == value
    assert batches.sizes == [1] * 20


def test_with_patience_the_cameras_of_one_moment_meet_in_a_batch():
    batches = Batches()
    with (
        SharedDetector(lambda: batches, SharingOptions(cameras=3, patience=1)) as shared,
        ThreadPoolExecutor(3) as pool,
    ):
        scores = list(pool.map(lambda n: shared.detect(frame(n)).image_score, range(3)))
    assert scores == [0, 1, 2]
    assert batches.sizes == [3]


def test_opening_running_and_closing_happen_in_one_thread():
    opened = []

    def open_one() -> Batches:
        opened.append(threading.current_thread().name)
        return batches

    batches = Batches()
    with SharedDetector(open_one, SharingOptions(cameras=2)) as shared:
        shared.detect(frame(1))
    assert {*opened, *batches.threads} == {"detector"}


def test_a_frame_that_cannot_be_inspected_leaves_the_others_of_its_batch_alone():
    batches = Batches()
    with SharedDetector(lambda: batches, SharingOptions(cameras=4)) as shared:
        first, odd, third = waiting_together(
            batches, shared, [frame(1), frame(2, side=3), frame(3)]
        )
    assert (first, third) == (1, 3)
    assert isinstance(odd, CameraError)


def test_a_bug_reaches_who_asked_and_the_next_frame_is_inspected():
    with SharedDetector(Batches, SharingOptions(cameras=2)) as shared:
        with pytest.raises(ValueError, match="a bug"):
            shared.detect(frame(255))
        assert shared.detect(frame(7)).image_score == 7


def test_what_keeps_it_from_opening_is_raised_where_it_was_opened():
    def fail() -> Batches:
        raise EngineError("no engine", fix="")

    with pytest.raises(EngineError, match="no engine"):
        SharedDetector(fail, SharingOptions(cameras=2))


def test_closing_answers_what_waits_and_refuses_what_comes_later():
    batches = Batches()
    shared = SharedDetector(lambda: batches, SharingOptions(cameras=4))
    batches.gate.clear()
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(shared.detect, frame(1))
        batches.entered.acquire()
        second = pool.submit(shared.detect, frame(2))
        while not shared._waiting.qsize():
            pass
        closing = pool.submit(shared.close)
        batches.gate.set()
        closing.result(10)
        assert (first.result().image_score, second.result().image_score) == (1, 2)
    shared.close()
    with pytest.raises(EngineError, match="was closed"):
        shared.detect(frame(3))


@pytest.mark.parametrize(("cameras", "patience"), [(0, 0), (1, -1), (1, 2)])
def test_options_that_cannot_be_are_refused(cameras, patience):
    with pytest.raises(ConfigError, match="cameras"):
        SharingOptions(cameras=cameras, patience=patience)


@pytest.mark.parametrize("deadline", [0, -1, float("inf"), float("nan")])
def test_a_deadline_that_cannot_be_is_refused(deadline):
    with pytest.raises(ConfigError, match="deadline"):
        SharingOptions(cameras=1, deadline=deadline)


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
                future.result(5)
    started = time.monotonic()
    with pytest.raises(EngineError, match="hangs"):
        shared.detect(frame(3))
    assert time.monotonic() - started < 0.1
    assert not shared._waiting.qsize() > 1  # what fails at once is not kept
    batches.gate.set()
    assert score_once_it_answers(shared, frame(4)) == 4
    assert batches.sizes == [1, 1]  # nobody worked for the frame that was given up
    shared.close()


def score_once_it_answers(shared: SharedDetector, given: np.ndarray) -> float:
    until = time.monotonic() + 5
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
        pool.submit(shared.close).result(5)
        with pytest.raises(EngineError, match="hangs"):
            hanging.result(5)
    assert not batches.closed.is_set()
    batches.gate.set()
    assert batches.closed.wait(5)


def test_a_detector_that_hangs_while_it_is_closed_is_not_waited_for():
    release = threading.Event()
    batches = Batches()
    batches.close = lambda: release.wait(10)
    shared = SharedDetector(lambda: batches, QUICK)
    started = time.monotonic()
    shared.close()
    assert time.monotonic() - started < 5
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
                future.result(5)
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
        def name(self) -> str:
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
    until = time.monotonic() + 5
    while not batches.threads and time.monotonic() < until:
        time.sleep(0.001)
    assert batches.threads == {"detector"}


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ([], ConfigError, "0 frames came at once, where 1 to 2 are due"),
        ([frame(1)] * 3, ConfigError, "3 frames came at once, where 1 to 2 are due"),
        ([frame(1), frame(1)[..., 0]], CameraError, r"\(4, 4\) uint8"),
    ],
)
def test_frames_that_make_no_batch_are_refused(tmp_path, toy_model, given, error, said):
    with (
        closing(
            PreparedBatches(OnnxRuntimeDetector(toy_file(tmp_path, toy_model), SPEC), SPEC, 2)
        ) as batches,
        pytest.raises(error, match=said),
    ):
        batches.detect_batch(given)


def toy_file(folder, toy_model):
    path = folder / "model.onnx"
    path.write_bytes(toy_model())
    return path


def test_any_backend_serves_several_cameras_of_different_sizes(tmp_path, toy_model):
    model = toy_file(tmp_path, toy_model)

    def open_one() -> PreparedBatches:
        return PreparedBatches(OnnxRuntimeDetector(model, SPEC), SPEC, largest_batch=2)

    pictures = [np.full((40 + n, 50, 3), 51 * n, np.uint8) for n in range(4)]
    with (
        SharedDetector(open_one, SharingOptions(cameras=4, patience=0.2)) as shared,
        ThreadPoolExecutor(4) as pool,
    ):
        predictions = list(pool.map(shared.detect, pictures))
    scores = [prediction.image_score for prediction in predictions]
    assert scores == pytest.approx([0, 0.2, 0.4, 0.6])
    assert {prediction.anomaly_map.shape for prediction in predictions} == {(32, 32)}
