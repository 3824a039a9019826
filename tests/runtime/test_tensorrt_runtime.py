import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_tensorrt import PLAN, SIZE, SPEC, Machine, expected_map, picture, random_picture

from slsg_edge.errors import CameraError, ConfigError, CudaError, EngineError
from slsg_edge.preprocessing import Roi
from slsg_edge.runtime.gpu.defects import defects_in
from slsg_edge.runtime.gpu.driver import Tensor
from slsg_edge.runtime.gpu.pixel_formats import tight, to_bgr
from slsg_edge.scoring import Threshold, judge

HALF = Threshold(0.5, "manual")


@pytest.mark.parametrize("integrated", [False, True])
@pytest.mark.parametrize("kernels", [False, True])
def test_a_frame_gives_the_map_and_the_score_of_the_graph(integrated, kernels):
    frame = random_picture(0)
    with Machine(integrated=integrated).detector(kernels=kernels) as detector:
        prediction = detector.detect(frame)
    np.testing.assert_allclose(prediction.anomaly_map, expected_map(frame))
    assert prediction.image_score == pytest.approx(expected_map(frame).max())
    assert type(prediction.image_score) is float


def test_the_steps_of_a_frame_follow_each_other_on_one_stream(machine):
    with machine.detector() as detector:
        machine.gpu.done.clear()
        detector.score(picture(51))
    steps = [step for step in machine.gpu.done if not step.endswith(("record", "wait"))]
    assert steps == ["0:upload", "0:preprocess", "0:engine", "0:check", "0:download"]


def test_on_a_gpu_that_shares_memory_nothing_is_uploaded():
    machine = Machine(integrated=True)
    with machine.detector() as detector:
        machine.gpu.done.clear()
        assert detector.score(picture(51)) == pytest.approx(0.2)
    assert "0:upload" not in machine.gpu.done


def test_the_map_comes_down_only_when_somebody_asks(machine):
    with machine.detector() as detector:
        machine.gpu.done.clear()
        detector.score(picture(102))
        assert machine.gpu.done.count("0:download") == 1
        assert (detector.last_map() == np.float32(0.4)).all()
        assert machine.gpu.done.count("0:download") == 2


def test_only_the_region_of_interest_is_uploaded_and_looked_at(machine):
    frame = np.full((40, 60, 3), 255, np.uint8)
    frame[5:25, 10:40] = 51
    with machine.detector(replace(SPEC, roi=Roi(10, 5, 30, 20))) as detector:
        assert detector.score(frame) == pytest.approx(0.2)
        with pytest.raises(ConfigError, match="outside a frame of 20x20"):
            detector.score(frame[:20, :20])
        assert detector.score(frame) == pytest.approx(0.2)  # that frame alone was refused


@pytest.mark.parametrize(
    "frame",
    [np.zeros((8, 8), np.uint8), np.zeros((0, 8, 3), np.uint8), np.zeros((8, 8, 3)), None],
)
def test_what_is_no_colour_picture_is_refused_and_the_next_frame_is_inspected(machine, frame):
    with machine.detector() as detector:
        with pytest.raises(CameraError):
            detector.detect(frame)
        assert detector.score(picture(255)) == 1


def test_after_the_first_frame_nothing_is_allocated(machine):
    with machine.detector() as detector:
        detector.detect(picture(1))
        made = machine.gpu.made.copy()
        for level in range(100):
            detector.detect(picture(level))
        assert machine.gpu.made == made


def test_frames_that_change_their_size_are_inspected_and_memory_grows_to_the_largest(machine):
    with machine.detector() as detector:
        detector.score(picture(51, 400, 600))
        made, freed = machine.gpu.made.copy(), len(machine.gpu.freed)
        for height, width in ((3, 5), (40, 56), (1, 1), (400, 600), (64, 64)):
            frame = random_picture(height, height, width)
            found = detector.detect(frame).anomaly_map
            np.testing.assert_allclose(found, expected_map(frame))
        assert machine.gpu.made == made
        detector.score(picture(51, 500, 600))
        assert len(machine.gpu.freed) == freed + 2  # the old host and device buffer


def test_closing_frees_everything_that_was_made_the_last_first(machine):
    detector = machine.detector(lanes=2)
    detector.detect(picture(1))
    detector.close()
    detector.close()
    counted = {kind: machine.gpu.freed.count(kind) for kind in machine.gpu.made}
    assert counted == dict(machine.gpu.made)
    assert machine.gpu.freed[-1] == "engine"  # everything else stands on it
    assert machine.gpu.closed


def test_another_thread_is_refused_and_does_no_harm(machine):
    said = []
    with machine.detector() as detector:

        def intrude() -> None:
            with pytest.raises(CudaError) as caught:
                detector.detect(picture(1))
            said.append(caught.value.what)

        thread = threading.Thread(target=intrude, name="camera 2")
        thread.start()
        thread.join()
        assert "'camera 2' used it" in said[0]
        assert detector.score(picture(255)) == 1


def test_the_engine_is_launched_as_a_graph_once_captured(machine):
    with machine.detector() as detector:
        machine.trt.enqueued.clear()
        launched = machine.gpu.asked["launch_graph"]
        assert detector.score(picture(51)) == pytest.approx(0.2)
        assert machine.trt.enqueued == []
        assert machine.gpu.asked["launch_graph"] == launched + 1
        assert detector.name == "fake fp16"


def test_a_graph_can_be_switched_off(machine):
    with machine.detector(graph=False) as detector:
        assert detector.score(picture(51)) == pytest.approx(0.2)
        assert detector.name == "fake fp16, no CUDA graph: switched off"
    assert machine.gpu.asked["begin_capture"] == 0


@pytest.mark.parametrize("refusing", ["driver", "TensorRT"])
def test_where_a_graph_is_refused_the_engine_runs_without_and_says_so(machine, refusing):
    if refusing == "driver":
        machine.gpu.fails["begin_capture"] = 1
    machine.trt.refuses_capture = refusing == "TensorRT"
    with machine.detector() as detector:
        assert detector.score(picture(51)) == pytest.approx(0.2)
        assert ", no CUDA graph: " in detector.name
    assert machine.gpu.made["graph"] == machine.gpu.freed.count("graph")


@pytest.mark.parametrize("kernels", [False, True])
def test_a_map_that_is_no_number_ends_as_undecided(machine, kernels):
    machine.trt.poison = np.float32(1)
    frame = picture(51, SIZE, SIZE)
    frame[3, 3] = 255
    with machine.detector(kernels=kernels) as detector:
        assert judge(detector.detect(frame), HALF).outcome == "undecided"
        assert judge(detector.detect(picture(51)), HALF).outcome == "good"


@pytest.mark.parametrize("call", ["upload", "preprocess", "launch_graph", "reached", "download"])
def test_a_gpu_that_is_lost_at_any_step_is_said_and_freed_and_stays_lost(machine, call):
    detector = machine.detector()
    machine.gpu.fails[call] = machine.gpu.asked[call] + 1
    with pytest.raises(CudaError, match=f"{call} gave CUDA_ERROR_UNKNOWN"):
        detector.detect(picture(1))
    assert machine.gpu.closed
    assert sum(machine.gpu.made.values()) <= len(machine.gpu.freed)
    with pytest.raises(CudaError, match=r"of no use any more: .* gave CUDA_ERROR_UNKNOWN"):
        detector.detect(picture(1))
    detector.close()


def test_a_gpu_that_hangs_is_given_up_within_its_deadline(machine):
    detector = machine.detector(deadline=0.01)
    machine.gpu.stuck = True
    with pytest.raises(CudaError, match=r"did not finish within 0\.01 s"):
        detector.detect(picture(1))
    with pytest.raises(CudaError, match="of no use any more"):
        detector.detect(picture(1))


@pytest.mark.parametrize("length", range(0, len(PLAN), 1024))
def test_a_truncated_engine_is_refused_with_tensorrts_own_words(machine, length):
    with pytest.raises(EngineError, match="plan is damaged") as caught:
        machine.detector(plan=PLAN[:length])
    assert caught.value.log == ("Serialization assertion failed: plan is damaged",)
    assert machine.gpu.closed


def _with(machine: Machine, index: int, **changes: Any) -> tuple[Tensor, ...]:
    tensors = list(machine.trt.tensors)
    tensors[index] = replace(tensors[index], **changes)
    return tuple(tensors)


@pytest.mark.parametrize(
    "change",
    [
        {"index": 0, "dtype": "float32"},
        {"index": 0, "shape": (1, 64, 64, 3)},
        {"index": 0, "shape": (2, SIZE, SIZE, 3)},
        {"index": 0, "name": "x"},
        {"index": 0, "is_input": False},
        {"index": 1, "dtype": "float16"},
        {"index": 1, "shape": (1, SIZE, SIZE, 1)},
        {"index": 2, "shape": (1, 1)},
    ],
)
def test_an_engine_with_other_ends_is_refused_and_both_sides_are_named(machine, change):
    machine.trt.tensors = _with(machine, **change)
    with pytest.raises(EngineError, match=r"The engine has .* where frame uint8 \(N, 32, 32, 3\)"):
        machine.detector()
    assert machine.gpu.closed
    assert machine.gpu.freed == ["engine"]


def test_an_engine_that_takes_no_single_frame_is_refused():
    machine = Machine(batch=4)
    machine.trt.tensors = _with(machine, 0, smallest=(2, SIZE, SIZE, 3))
    with pytest.raises(EngineError, match="from one frame upwards"):
        machine.detector()


def test_stages_are_timed_on_the_gpu(machine):
    with machine.detector() as detector:
        detector.score(picture(1))
        shown = detector.milliseconds()
    assert list(shown) == ["upload", "preprocess", "engine", "download"]
    assert all(milliseconds > 0 for milliseconds in shown.values())


def test_without_kernels_the_cpu_does_their_work(machine):
    layout = tight("grey", 60, 40)
    data = np.random.default_rng(0).integers(0, 256, layout.size, np.uint8)
    with machine.detector(kernels=False) as detector:
        detector.score_raw(data, layout)
        found = detector.last_map()
        np.testing.assert_allclose(found, expected_map(to_bgr(data, layout)))
        assert detector.defects(0.6)[1] == defects_in(found > np.float32(0.6))
