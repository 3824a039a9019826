"""The picture of some images with heat map and verdict."""

import cv2
import numpy as np
import pytest

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.contracts import Sample, Verdict
from slsg_edge.errors import DatasetError
from slsg_edge.evaluation.evaluate import Evaluation, Row
from slsg_edge.reports.verdict_sheet import BAR, COLOURS, GAP, WIDTH, chosen_rows, verdict_sheet
from slsg_edge.runtime.fake_detector import FakeDetector


def row(image, kind, score, threshold=0.4):
    outcome = "anomalous" if score > threshold else "good"
    return Row(Sample(image, "test", kind), score, Verdict(outcome, score, threshold))


def evaluation_of(*rows):
    return Evaluation(rows, 0.4, {}, {}, None, ())


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.full((100, 200, 3), 90, np.uint8))
    return path


def test_errors_come_first_then_a_good_one_and_a_find_of_each_kind(image):
    scores = [("good", 0.1), ("good", 0.2), ("good", 0.5), ("dent", 0.9), ("dent", 0.8)]
    scores += [("hole", 0.6), ("hole", 0.3), ("hole", 0.2)]
    found = chosen_rows(evaluation_of(*(row(image, *each) for each in scores)), 6)
    assert [(each.kind, each.score) for each in found] == [
        *(("hole", 0.2), ("good", 0.5), ("good", 0.2)),
        *(("dent", 0.9), ("hole", 0.6), ("dent", 0.8)),
    ]


def test_the_line_under_each_pair_has_the_colour_of_the_verdict(image, toy_bundle):
    evaluation = evaluation_of(row(image, "good", 0.1), row(image, "hole", 0.9))
    detector = FakeDetector(0.5, np.ones((64, 64), np.float32))
    sheet = verdict_sheet(open_bundle(toy_bundle), evaluation, detector)
    assert sheet.shape == (round(100 * 199 / 200) + BAR + 2 * GAP, 2 * (WIDTH + GAP) + GAP, 3)
    for place, outcome in enumerate(("good", "anomalous")):
        corner = sheet[-GAP - 2, GAP + place * (WIDTH + GAP) + 1]
        assert tuple(int(channel) for channel in corner) == COLOURS[outcome]
    photo, hot = sheet[GAP + 20, GAP + 50], sheet[GAP + 20, GAP + WIDTH - 50]
    assert np.abs(photo.astype(int) - hot).max() > 60


def test_without_an_inspected_image_there_is_no_sheet(image, toy_bundle):
    blind = Row(Sample(image, "test"), None, Verdict("undecided", reason="unreadable"))
    with pytest.raises(DatasetError, match="none to show"):
        verdict_sheet(open_bundle(toy_bundle), evaluation_of(blind), FakeDetector(0.5))
