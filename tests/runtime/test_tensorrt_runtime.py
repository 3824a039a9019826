import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from fake_gpu import PLAN, FakeGpu, FakeKernels, FakeTensorRt

from slsg_edge.contracts import Frame
from slsg_edge.errors import CameraError, ConfigError, CudaError, EngineError
from slsg_edge.line.watching import WatchOptions, watch
from slsg_edge.preprocessing import Preprocessing, Roi, prepare
from slsg_edge.runtime.batching import SharedDetector, SharingOptions
from slsg_edge.runtime.chain import ChainOptions
from slsg_edge.runtime.defects import defects_in
from slsg_edge.runtime.device import Device
from slsg_edge.runtime.driver import Tensor
from slsg_edge.runtime.pipeline import Pipeline
from slsg_edge.runtime.pixel_formats import tight, to_bgr
from slsg_edge.runtime.tensorrt import TensorRtDetector
from slsg_edge.scoring import Threshold, judge

SIZE = 32
SPEC = Preprocessing(SIZE, SIZE)
HALF = Threshold(0.5, "manual")


class Machine:
    """A fake GPU and TensorRT, and detectors on it."""

    def __init__(self, batch: int = 1, integrated: bool = False) -> None:
        self.gpu = FakeGpu(integrated=integrated)
        self.trt = FakeTensorRt(self.gpu, SIZE, batch)

    def detector(self, spec=SPEC, plan=PLAN, kernels=True, **options) -> TensorRtDetector:
        return TensorRtDetector(
            Device(self.gpu),
            self.trt,
            plan,
            spec,
            ChainOptions(**options),
            "fake fp16",
            (lambda device: FakeKernels(device, spec)) if kernels else None,
        )


@pytest.fixture
def machine():
    return Machine()


def picture(level: int, height: int = 40, width: int = 56) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def random_picture(seed: int, height: int = 40, width: int = 56) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def expected_map(frame: np.ndarray, spec: Preprocessing = SPEC) -> np.ndarray:
    return prepare(frame, spec).mean(-1, dtype=np.float32) / np.float32(255)


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


def test_prepared_frames_run_in_batches_of_what_the_engine_takes():
    machine = Machine(batch=2)
    frames = np.stack([picture(level, SIZE, SIZE) for level in (0, 51, 102, 153, 255)])
    with machine.detector(batch=2, graph=False) as detector:
        machine.trt.enqueued.clear()
        maps, scores = detector.run(frames)
    np.testing.assert_allclose(scores, [0, 0.2, 0.4, 0.6, 1])
    assert maps.shape == (5, SIZE, SIZE)
    assert machine.trt.enqueued == [2, 2, 1]


def test_pictures_of_several_cameras_go_as_one_batch_whatever_their_sizes():
    machine = Machine(batch=3)
    pictures = [random_picture(n, 20 + 13 * n, 50 - 7 * n) for n in range(3)]
    with machine.detector(batch=3) as detector:
        found = detector.detect_batch(pictures)
    for one, frame in zip(found, pictures, strict=True):
        np.testing.assert_allclose(one.anomaly_map, expected_map(frame))


def test_an_engine_that_takes_fewer_frames_at_once_is_refused(machine):
    with pytest.raises(EngineError, match="up to 1 frames at once, not 4"):
        machine.detector(batch=4)
    assert machine.gpu.closed


def test_cameras_share_one_gpu_through_one_thread():
    machine = Machine(batch=2)
    options = SharingOptions(cameras=2)
    scores: dict[int, float] = {}
    with SharedDetector(lambda: machine.detector(batch=2), options) as shared:
        threads = [
            threading.Thread(
                target=lambda n=n: scores.update({n: shared.detect(picture(n)).image_score})
            )
            for n in (51, 102)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert scores == pytest.approx({51: 0.2, 102: 0.4})
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


def _with(machine: Machine, index: int, **changes: object) -> tuple[Tensor, ...]:
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


def frames(count: int) -> list[Frame]:
    images = [random_picture(index, 20 + index % 7, 30) for index in range(count)]
    return [Frame(index, "test", 0, 0, image=image) for index, image in enumerate(images)]


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_frames_in_flight_never_mix(lanes):
    with Machine().detector(lanes=lanes) as detector:
        pipeline = Pipeline(frames(20), detector)
        for frame in pipeline:
            found = pipeline.detect(frame.image)
            np.testing.assert_allclose(found.anomaly_map, expected_map(frame.image))


def test_frames_that_nobody_takes_do_not_disturb_the_others():
    with Machine().detector(lanes=2) as detector:
        pipeline = Pipeline(frames(20), detector)
        for frame in pipeline:
            if frame.index % 3 == 0:
                found = pipeline.detect(frame.image)
                np.testing.assert_allclose(found.anomaly_map, expected_map(frame.image))


def test_with_two_lanes_the_next_upload_runs_beside_this_engine(machine):
    with machine.detector(lanes=2) as detector:
        machine.gpu.done.clear()
        pipeline = Pipeline(frames(2), detector)
        for frame in pipeline:
            pipeline.detect(frame.image)
    steps = [step for step in machine.gpu.done if step.endswith((":upload", ":engine"))]
    assert steps == ["1:upload", "1:upload", "0:engine", "0:engine"]


def test_more_frames_in_flight_are_made_room_for_once(machine):
    with machine.detector() as detector:
        detector.keep_in_flight(2)
        assert detector.lanes == 2
        made = machine.gpu.made.copy()
        detector.keep_in_flight(2)
        assert machine.gpu.made == made
        pipeline = Pipeline(frames(9), detector)
        for frame in pipeline:
            found = pipeline.detect(frame.image).anomaly_map
            np.testing.assert_allclose(found, expected_map(frame.image))


class Source(list):
    """Frames as from files, or as from a camera."""

    dropped = 0

    def __init__(self, given, live=False):
        super().__init__(given)
        self.live = live


@pytest.mark.parametrize(("live", "lanes"), [(False, 2), (True, 1)])
def test_frames_of_files_are_watched_in_flight_and_those_of_a_camera_one_by_one(
    machine, live, lanes
):
    dark, light = picture(51), picture(204)
    given = [Frame(n, "t", 0, 0, image=light if n % 3 == 0 else dark) for n in range(10)]
    given.insert(4, Frame(10, "t", 0, 0, fault="torn"))
    records = []
    sink = SimpleNamespace(write=lambda inspection: records.append(inspection.record))
    with machine.detector() as detector:
        options = WatchOptions(every=2, max_frames=5)
        summary = watch(Source(given, live), detector, HALF, [sink], options)
        assert detector.lanes == lanes
    assert [(one.index, one.verdict) for one in records] == [
        (0, "anomalous"), (2, "good"), (10, "undecided"), (5, "good"), (7, "good"),
    ]  # fmt: skip
    assert summary.frames == 5


def test_without_kernels_the_cpu_does_their_work(machine):
    layout = tight("grey", 60, 40)
    data = np.random.default_rng(0).integers(0, 256, layout.size, np.uint8)
    with machine.detector(kernels=False) as detector:
        detector.score_raw(data, layout)
        found = detector.last_map()
        np.testing.assert_allclose(found, expected_map(to_bgr(data, layout)))
        assert detector.defects(0.6)[1] == defects_in(found > np.float32(0.6))
