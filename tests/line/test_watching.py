import json
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.contracts import Detector, Fault, Frame, Image
from slsg_edge.errors import StorageError
from slsg_edge.line.records import Inspection, Latencies, Tally, json_line
from slsg_edge.line.sinks.rejects import RejectFolder
from slsg_edge.line.sources.buffer import FrameBuffer
from slsg_edge.line.sources.source import open_source
from slsg_edge.line.watching import WatchOptions, watch
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime.detector import choose, open_choice
from slsg_edge.runtime.fake_detector import FakeDetector
from slsg_edge.runtime.judged import Judged, open_judged
from slsg_edge.scoring import Threshold

HALF = Threshold(0.5, "manual", good_scores=(0.1, 0.2, 0.3))
IMAGE = np.zeros((8, 8, 3), np.uint8)
CALM = Judged(FakeDetector(0.1), HALF)


class Collected:
    """A sink that keeps everything."""

    name, essential = "everything", True

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


def frame(index: int = 0, image: Image | None = IMAGE, fault: Fault | None = None) -> Frame:
    return Frame(index, "camera", 1700000000.5, 0.0, image, fault)


def record_from(detector: Detector, taken: Frame, fingerprint: str = ""):
    """The record of one frame."""
    sink = Collected()
    watch(Frames(taken), Judged(detector, HALF, fingerprint=fingerprint), [sink])
    (record,) = sink.records
    return record


def test_a_folder_with_a_broken_file_gives_a_verdict_for_every_file(toy_bundle, parts):
    sink = Collected()
    with (
        open_source(str(parts)) as source,
        closing(open_judged(open_bundle(toy_bundle))) as judged,
    ):
        summary = watch(source, judged, [sink])
    assert [record.verdict for record in sink.records] == ["good", "good", "anomalous", "undecided"]
    assert sink.records[2].score == pytest.approx(220 / 255)
    assert "truncated" in sink.records[3].detail
    assert (summary.frames, summary.good, summary.anomalous, summary.undecided) == (4, 2, 1, 1)
    assert 0 < summary.detect_p50 <= summary.detect_p95
    assert "truncated" in summary.reason


def test_a_model_that_gives_nan_decides_nothing(make_bundle, toy_model, parts):
    bundle = open_bundle(make_bundle(toy_model(offset=float("nan"))))
    sink = Collected()
    detector = open_choice(bundle, choose(bundle))
    with open_source(str(parts)) as source, Judged(detector, HALF) as judged:
        summary = watch(source, judged, [sink])
    assert {record.verdict for record in sink.records} == {"undecided"}
    assert sink.records[0].detail == "the detector gave the score nan"
    assert summary.detect_p50 is None


def test_a_detector_that_fails_once_goes_on_with_the_next_frame():
    sink = Collected()
    detector = FakeDetector([RuntimeError("device lost"), 0.1])
    watch(Frames(frame(0), frame(1)), Judged(detector, HALF), [sink])
    assert [record.verdict for record in sink.records] == ["undecided", "good"]
    assert sink.records[0].detail == "the detector failed: RuntimeError: device lost"


def test_a_frame_without_an_image_never_reaches_the_detector():
    detector = FakeDetector(0.1)
    record = record_from(
        detector, frame(image=None, fault=Fault("no_frame", "camera stopped sending"))
    )
    assert (record.verdict, record.detail) == ("undecided", "camera stopped sending")
    assert record.latency_ms == {}
    assert detector.calls == 0


def test_a_frame_that_a_source_calls_faulty_is_not_inspected_though_it_has_an_image():
    record = record_from(
        FakeDetector(0.1), frame(fault=Fault("damaged_frame", "half of it is missing"))
    )
    assert (record.verdict, record.detail) == ("undecided", "half of it is missing")


def test_a_record_says_where_when_and_how_sure():
    record = record_from(FakeDetector(0.1), frame(), "0123456789abcdef")
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
    gone = Fault("no_frame", "gone")
    frames = [frame(i, None, gone) if i == 4 else frame(i) for i in range(8)]
    summary = watch(Frames(*frames), CALM, [sink], WatchOptions(every=3))
    assert [record.index for record in sink.records] == [0, 3, 4, 6]
    assert (summary.frames, summary.skipped) == (4, 4)


def test_a_limit_ends_the_watch():
    frames = Frames(*map(frame, range(9)))
    summary = watch(frames, CALM, options=WatchOptions(max_frames=2))
    assert summary.frames == 2


def test_ctrl_c_ends_the_watch_with_its_sum():
    frames = Frames(frame(0), frame(1))
    summary = watch(frames, Judged(FakeDetector([0.1, KeyboardInterrupt()]), HALF))
    assert (summary.frames, summary.good) == (1, 1)


def test_the_sum_tells_what_a_live_source_dropped():
    buffer = FrameBuffer()
    for index in range(3):
        buffer.put(frame(index))
    frames = Frames(frame())
    frames.dropped = buffer.dropped
    assert watch(frames, CALM).dropped == 2


class Failing(Collected):
    """A sink that raises the errors it was given, in turn, and takes what comes after them."""

    def __init__(self, *errors: Exception, essential: bool = False) -> None:
        super().__init__()
        self.name, self.essential = "pictures", essential
        self._errors = iter(errors)

    def write(self, inspection: Inspection) -> None:
        error = next(self._errors, None)
        if error is not None:
            raise error
        super().write(inspection)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StorageError("The disk is full.", fix=""), "The disk is full."),
        (ValueError("no such format"), "ValueError: no such format."),
    ],
)
def test_a_sink_that_may_fail_is_told_about_once_and_tried_again(error, said):
    failing, after, warnings = Failing(error, error), Collected(), []
    options = WatchOptions(warn=warnings.append)
    summary = watch(Frames(*map(frame, range(4))), CALM, [failing, after], options)
    assert summary.frames == 4
    assert [record.index for record in failing.records] == [2, 3]
    assert [record.index for record in after.records] == [0, 1, 2, 3]
    assert warnings == [f"{said} Verdicts go on without pictures."]


def test_a_warning_goes_to_stderr_where_nobody_says_otherwise(capsys):
    watch(Frames(frame()), CALM, [Failing(ValueError("no"))])
    assert capsys.readouterr() == ("", "ValueError: no. Verdicts go on without pictures.\n")


def test_a_warning_that_nobody_can_read_ends_nothing():
    def closed(text: str) -> None:
        raise BrokenPipeError

    sinks = [Failing(ValueError("no"))]
    assert watch(Frames(frame(), frame(1)), CALM, sinks, WatchOptions(warn=closed)).frames == 2


@pytest.mark.parametrize("error", [StorageError("The disk is full.", fix=""), ValueError("no")])
def test_an_essential_sink_that_fails_ends_the_watch(error):
    with pytest.raises(type(error), match=str(error)):
        watch(Frames(frame()), CALM, [Failing(error, essential=True)])


@pytest.mark.parametrize("shape", [(8, 8, 2), (1, 65_501, 3)])
def test_a_picture_that_cannot_be_encoded_ends_no_watch(tmp_path, shape):
    odd = frame(0, np.zeros(shape, np.uint8))
    rejects = RejectFolder(tmp_path, Preprocessing(32, 32))
    warnings: list[str] = []
    options = WatchOptions(warn=warnings.append)
    alarm = Judged(FakeDetector(0.9), HALF)
    assert watch(Frames(odd, frame(1)), alarm, [rejects], options).frames == 2
    assert len(list(tmp_path.glob("*_00000001_*"))) == 2
    assert len(warnings) == 1


def test_whoever_shares_the_tally_reads_the_counts_of_the_watch_meanwhile():
    tally, seen = Tally(), []

    class Reader(Collected):
        def write(self, inspection: Inspection) -> None:
            seen.append(tally.summary(0).good)

    summary = watch(Frames(*map(frame, range(3))), CALM, [Reader()], WatchOptions(tally=tally))
    assert seen == [1, 2, 3]
    assert tally.summary(0) == summary


BAND = Threshold(0.5, "conformal", 0.01, undecided_above=0.3, good_scores=(0.1, 0.2, 0.35))


def test_what_lies_between_the_thresholds_is_undecided_counted_apart_and_was_inspected(tmp_path):
    everything = Collected()
    rejects = RejectFolder(tmp_path, Preprocessing(8, 8))
    frames = [Frame(index, f"{index}.png", 0.0, 0.0, IMAGE) for index in range(3)]
    frames.append(Frame(3, "3.png", 0.0, 0.0, fault=Fault("unreadable", "it is empty")))
    judged = Judged(FakeDetector((0.1, 0.4, 0.9)), BAND)
    summary = watch(Frames(*frames), judged, [everything, rejects])
    assert (summary.good, summary.anomalous, summary.undecided, summary.between) == (1, 1, 2, 1)
    assert summary.reason == "it is empty"  # why a frame was not inspected
    record = json.loads(json_line(everything.records[1]))
    assert (record["verdict"], record["reason"]) == ("undecided", "between_thresholds")
    assert (record["score"], record["threshold"], record["p_value"]) == (0.4, 0.5, 0.25)
    kept = sorted(path.name.partition("_")[2] for path in tmp_path.iterdir())
    assert kept == [
        *("00000001_0.4.png", "00000001_0.4_heat.jpg"),
        *("00000002_0.9.png", "00000002_0.9_heat.jpg"),
    ]


def test_the_latency_of_what_lies_between_the_thresholds_counts():
    summary = watch(Frames(Frame(0, "0.png", 0.0, 0.0, IMAGE)), Judged(FakeDetector(0.4), BAND))
    assert summary.detect_p50 is not None


def test_percentiles_are_those_of_numpy_over_the_last_latencies():
    latencies = Latencies(kept=100)
    assert latencies.percentile(50) is None
    values = np.random.default_rng(0).exponential(30, 257).round(1).tolist()
    for count, value in enumerate(values, 1):
        latencies.add(value)
        window = values[max(0, count - 100) : count]
        for percent in (0, 50, 95, 100):
            expected = np.percentile(window, percent)
            assert latencies.percentile(percent) == pytest.approx(expected)
