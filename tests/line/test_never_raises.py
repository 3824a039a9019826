"""Whatever threshold, detector, clock or sink a watch has: each frame gets a record."""

import itertools
import json
import math

import numpy as np
import pytest

from slsg_edge.contracts import Fault, Frame, Prediction
from slsg_edge.line.records import json_line
from slsg_edge.line.watching import WatchOptions, inspection_of, watch
from slsg_edge.runtime.fake_detector import FakeDetector
from slsg_edge.runtime.judged import Judged
from slsg_edge.scoring import Tail, Threshold, extrapolated_p_value, judge

IMAGE = np.full((8, 8, 3), 90, np.uint8)
ODD = (0.0, -1.0, 1e-320, 1e308, -1e308, 0.1)


def frame(index=0, at=1700000000.0, image=IMAGE, fault=None):
    return Frame(index, "camera", at, 0.0, image, fault)


@pytest.mark.parametrize("score", [0.0, 0.6, 1.0])
def test_every_tail_there_could_be_leaves_the_verdict_as_it_is(score):
    prediction = Prediction(np.zeros((4, 4), np.float32), score)
    for numbers in itertools.product(ODD, repeat=4):
        threshold = Threshold(0.5, "tail", good_scores=(0.1, 0.2), tail=Tail(*numbers))
        verdict = judge(prediction, threshold)
        assert verdict.outcome == ("anomalous" if score > 0.5 else "good")
        assert verdict.p_value is not None
        assert math.isfinite(verdict.p_value)
        beyond = extrapolated_p_value(score, threshold)
        assert beyond is None or 0 < beyond < verdict.p_value


@pytest.mark.parametrize("at", [math.nan, math.inf, -math.inf, 1e18, -1e18])
def test_a_clock_that_is_wrong_spoils_no_record(at):
    record = inspection_of(frame(at=at), Judged(FakeDetector(0.1), Threshold(0.5, "manual"))).record
    assert record.verdict == "good"
    assert json.loads(json_line(record))["captured_at"].startswith("1970")


class Odd(Judged):
    """Fails where a failure is not expected."""

    def examine(self, image):
        raise RuntimeError("out of memory")


def test_a_failure_in_the_judge_is_undecided():
    record = inspection_of(frame(), Odd(FakeDetector(0.1), Threshold(0.5, "manual"))).record
    assert (record.verdict, record.reason) == ("undecided", "detector_failed")
    assert record.detail == "the frame could not be recorded: RuntimeError: out of memory"


def test_a_fault_that_is_none_is_undecided():
    for fault in (Fault("frozen", "x" * 9999), Fault("frozen", None)):
        judged = Judged(FakeDetector(0.1), Threshold(0.5, "manual"))
        record = inspection_of(frame(fault=fault), judged).record
        assert record.verdict == "undecided"
        json_line(record)


class Source(list):
    live, dropped = False, 0


class Failing:
    name, essential = "pictures", False

    def __init__(self, *kept):
        self._kept = list(kept)

    def write(self, inspection):
        if not self._kept.pop(0):
            raise OSError("no room")

    def close(self):
        pass


def test_what_a_sink_did_not_take_is_counted_and_told_rarely():
    said = []
    judged = Judged(FakeDetector(0.1), Threshold(0.5, "manual"))
    sinks = [Failing(True, False, False, True, False)]
    options = WatchOptions(warn=said.append)
    summary = watch(Source(map(frame, range(5))), judged, sinks, options)
    assert (summary.frames, dict(summary.failed)) == (5, {"pictures": 3})
    assert said == ["OSError: no room. Verdicts go on without pictures."]
