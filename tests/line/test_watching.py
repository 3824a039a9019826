import json
import re
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.contracts import Detector, Frame, Image, Prediction
from slsg_edge.line.records import Inspection, fingerprint_of, json_line
from slsg_edge.line.sources.live import Newest
from slsg_edge.line.sources.source import open_source
from slsg_edge.line.watching import WatchOptions, watch
from slsg_edge.runtime.detector import choose, open_choice
from slsg_edge.scoring import Threshold

HALF = Threshold(0.5, "manual", good_scores=(0.1, 0.2, 0.3))
IMAGE = np.zeros((8, 8, 3), np.uint8)
CALM = Prediction(np.zeros((4, 4), np.float32), 0.1)


class Collected:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.inspections: list[Inspection] = []

    @property
    def records(self):
        return [inspection.record for inspection in self.inspections]

    def write(self, inspection: Inspection) -> None:
        self.inspections.append(inspection)

    def close(self) -> None:
        pass


class Frames:
    """A source of given frames."""

    live, dropped = False, 0

    def __init__(self, *frames: Frame) -> None:
        self._frames = frames

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames)

    def close(self) -> None:
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Fixed:
    """A detector that gives, or raises, what it was told to."""

    name = "fixed"

    def __init__(self, *answers: Prediction | BaseException) -> None:
        self._answers = iter(answers)

    def detect(self, frame: Image) -> Prediction:
        answer = next(self._answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def close(self) -> None:
        pass


def frame(index: int = 0, image: Image | None = IMAGE, fault: str | None = None) -> Frame:
    return Frame(index, "camera", 1700000000.5, 0.0, image, fault)


def one(detector: Detector, taken: Frame | None = None, options: WatchOptions | None = None):
    """The record of one frame."""
    sink = Collected()
    watch(Frames(taken or frame()), detector, HALF, [sink], options)
    (record,) = sink.records
    return record


def test_a_folder_with_a_broken_file_gives_a_verdict_for_every_file(toy_bundle, parts):
    bundle = open_bundle(toy_bundle)
    sink = Collected()
    with (
        open_source(str(parts)) as source,
        closing(open_choice(bundle, choose(bundle))) as detector,
    ):
        summary = watch(source, detector, bundle.manifest.threshold, [sink])
    assert [record.verdict for record in sink.records] == ["good", "good", "anomalous", "undecided"]
    assert sink.records[2].score == pytest.approx(220 / 255)
    assert "truncated" in sink.records[3].reason
    assert (summary.frames, summary.good, summary.anomalous, summary.undecided) == (4, 2, 1, 1)
    assert 0 < summary.detect_p50 <= summary.detect_p95
    assert "truncated" in summary.reason


def test_a_model_that_gives_nan_decides_nothing(make_bundle, toy_model, parts):
    bundle = open_bundle(make_bundle(toy_model(offset=float("nan"))))
    sink = Collected()
    with (
        open_source(str(parts)) as source,
        closing(open_choice(bundle, choose(bundle))) as detector,
    ):
        summary = watch(source, detector, bundle.manifest.threshold, [sink])
    assert {record.verdict for record in sink.records} == {"undecided"}
    assert sink.records[0].reason == "the detector gave the score nan"
    assert summary.detect_p50 is None


@pytest.mark.parametrize(
    ("score", "level", "shape", "reason"),
    [
        (float("nan"), 0.0, (4, 4), "score nan"),
        (float("inf"), 0.0, (4, 4), "score inf"),
        (1.5, 0.0, (4, 4), "score 1.5"),
        (-0.1, 0.0, (4, 4), "score -0.1"),
        (0.1, float("nan"), (4, 4), "map with NaN"),
        (0.1, float("-inf"), (4, 4), "map with NaN or infinity"),
        (0.1, 0.0, (4, 5), r"map \(4, 5\)"),
        (0.1, 0.0, (1, 4, 4), r"map \(1, 4, 4\)"),
    ],
)
def test_what_is_no_prediction_is_no_verdict(score, level, shape, reason):
    prediction = Prediction(np.full(shape, level, np.float32), score)
    record = one(Fixed(prediction), options=WatchOptions(map_shape=(4, 4)))
    assert record.verdict == "undecided"
    assert re.search(reason, record.reason)
    assert record.score is None


def test_a_detector_that_fails_once_goes_on_with_the_next_frame():
    sink = Collected()
    failure = RuntimeError("device lost\n" + "x" * 1000)
    watch(Frames(frame(0), frame(1)), Fixed(failure, CALM), HALF, [sink])
    assert [record.verdict for record in sink.records] == ["undecided", "good"]
    reason = sink.records[0].reason
    assert reason.startswith("the detector failed: RuntimeError: device lost x")
    assert len(reason) <= 300


@pytest.mark.parametrize(
    ("image", "said"),
    [(np.zeros((8, 8), np.uint8), "(8, 8) uint8"), (np.zeros((8, 8, 3)), "float64")],
)
def test_a_frame_of_a_wrong_shape_decides_nothing(toy_bundle, image, said):
    bundle = open_bundle(toy_bundle)
    with closing(open_choice(bundle, choose(bundle))) as detector:
        record = one(detector, frame(image=image))
    assert record.verdict == "undecided"
    assert said in record.reason


def test_a_frame_without_an_image_never_reaches_the_detector():
    record = one(Fixed(), frame(image=None, fault="camera stopped sending"))
    assert (record.verdict, record.reason) == ("undecided", "camera stopped sending")
    assert record.latency_ms == {}


def test_a_record_says_where_when_and_how_sure():
    record = one(Fixed(CALM), options=WatchOptions(fingerprint="0123456789abcdef"))
    line = json_line(record)
    assert line.endswith("}\n")
    told = json.loads(line)
    assert told["captured_at"] == "2023-11-14T22:13:20.500+00:00"
    assert (told["verdict"], told["score"], told["threshold"]) == ("good", 0.1, 0.5)
    assert told["p_value"] == 1.0
    assert told["bundle"] == "0123456789abcdef"
    assert set(told["latency_ms"]) == {"detect", "judge"}
    assert told["age_ms"] > 0


def test_every_third_frame_is_looked_at_and_every_fault():
    sink = Collected()
    frames = [frame(i, None if i == 4 else IMAGE, "gone" if i == 4 else None) for i in range(8)]
    summary = watch(Frames(*frames), Fixed(*[CALM] * 8), HALF, [sink], WatchOptions(every=3))
    assert [record.index for record in sink.records] == [0, 3, 4, 6]
    assert (summary.frames, summary.skipped) == (4, 4)


def test_a_limit_ends_the_watch():
    frames = Frames(*map(frame, range(9)))
    summary = watch(frames, Fixed(*[CALM] * 9), HALF, options=WatchOptions(max_frames=2))
    assert summary.frames == 2


def test_ctrl_c_ends_the_watch_with_its_sum():
    frames = Frames(frame(0), frame(1))
    summary = watch(frames, Fixed(CALM, KeyboardInterrupt()), HALF)
    assert (summary.frames, summary.good) == (1, 1)


def test_the_sum_tells_what_a_live_source_dropped():
    slot = Newest()
    for index in range(3):
        slot.put(frame(index))
    frames = Frames(frame())
    frames.dropped = slot.dropped
    assert watch(frames, Fixed(CALM), HALF).dropped == 2


def test_another_threshold_is_another_fingerprint(toy_bundle):
    before = fingerprint_of(toy_bundle)
    open_bundle(toy_bundle).commit(
        "calibrate", {}, command="c", started=0.0, threshold=Threshold(0.6, "manual")
    )
    assert len(before) == 16
    assert fingerprint_of(toy_bundle) != before
