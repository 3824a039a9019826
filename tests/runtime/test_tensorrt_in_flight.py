"""Several frames at once: from several cameras as a batch, from files one in each lane."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from fake_tensorrt import Machine, expected_map, picture, random_picture

from slsg_edge.contracts import Fault, Frame
from slsg_edge.line.watching import WatchOptions, watch
from slsg_edge.runtime.batching import SharedDetector, SharingOptions
from slsg_edge.runtime.judged import Judged
from slsg_edge.runtime.pipeline import Pipeline
from slsg_edge.scoring import Threshold

HALF = Threshold(0.5, "manual")


def test_pictures_of_several_cameras_go_as_one_batch_whatever_their_sizes():
    machine = Machine(batch=3)
    pictures = [random_picture(n, 20 + 13 * n, 50 - 7 * n) for n in range(3)]
    with machine.detector(batch=3) as detector:
        predictions = detector.detect_batch(pictures)
    for prediction, frame in zip(predictions, pictures, strict=True):
        np.testing.assert_allclose(prediction.anomaly_map, expected_map(frame))


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


def frames(count: int) -> list[Frame]:
    images = [random_picture(index, 20 + index % 7, 30) for index in range(count)]
    return [Frame(index, "test", 0, 0, image=image) for index, image in enumerate(images)]


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_frames_in_flight_never_mix(lanes):
    with Machine().detector(lanes=lanes) as detector:
        pipeline = Pipeline(frames(20), detector)
        for frame in pipeline:
            prediction = pipeline.detect(frame.image)
            np.testing.assert_allclose(prediction.anomaly_map, expected_map(frame.image))


def test_frames_that_nobody_takes_do_not_disturb_the_others():
    with Machine().detector(lanes=2) as detector:
        pipeline = Pipeline(frames(20), detector)
        for frame in pipeline:
            if frame.index % 3 == 0:
                prediction = pipeline.detect(frame.image)
                np.testing.assert_allclose(prediction.anomaly_map, expected_map(frame.image))


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
            anomaly_map = pipeline.detect(frame.image).anomaly_map
            np.testing.assert_allclose(anomaly_map, expected_map(frame.image))


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
    given.insert(4, Frame(10, "t", 0, 0, fault=Fault("damaged_frame", "torn")))
    records = []
    sink = SimpleNamespace(write=lambda inspection: records.append(inspection.record))
    with machine.detector() as detector:
        options = WatchOptions(every=2, max_frames=5)
        summary = watch(Source(given, live), Judged(detector, HALF), [sink], options)
        assert detector.lanes == lanes
    assert [(record.index, record.verdict) for record in records] == [
        (0, "anomalous"), (2, "good"), (10, "undecided"), (5, "good"), (7, "good"),
    ]  # fmt: skip
    assert summary.frames == 5
