import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest
from batches import Batches, frame, waiting_together

from slsg_edge.errors import CameraError, ConfigError, EngineError
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime.batching import PreparedBatches, SharedDetector, SharingOptions
from slsg_edge.runtime.onnxruntime import OnnxRuntimeDetector

SPEC = Preprocessing(32, 32)


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
