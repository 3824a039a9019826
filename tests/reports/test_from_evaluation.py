import re
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from slsg_edge.bundle.commands import BUNDLE
from slsg_edge.bundle.folder import Manifest, new_bundle, open_bundle
from slsg_edge.calibration.operating_points import AcquiredScore, choose_threshold
from slsg_edge.contracts import Sample, Verdict
from slsg_edge.evaluation.evaluate import Evaluation, Row
from slsg_edge.evaluation.next_step import Setup
from slsg_edge.metrics.intervals import Figure
from slsg_edge.preprocessing import Preprocessing, Roi
from slsg_edge.reports.from_evaluation import (
    cases_of,
    command_of,
    evaluation_report_page,
    figure_texts,
    points_of,
    provenance_of,
)
from slsg_edge.reports.tested_on import what_was_tested
from slsg_edge.runtime.detector import BackendChoice, choose
from slsg_edge.runtime.fake_detector import FakeDetector
from slsg_edge.scoring import Threshold

SPEC = Preprocessing(64, 64, roi=Roi(0, 0, 400, 400))


def corner():
    """A detector that finds everything in the corner of the region."""
    heat = np.zeros((64, 64), np.float32)
    heat[:16, :16] = 1
    return FakeDetector(0.3, heat)


def write(path, image):
    cv2.imwrite(str(path), image)
    return path


@pytest.fixture
def evaluation(tmp_path):
    """A good image, a defective one with a mask in the region's corner, and one unreadable."""
    mask = np.zeros((400, 800), np.uint8)
    mask[:100, :100] = 255
    image = write(tmp_path / "a.png", np.full((400, 800, 3), 90, np.uint8))
    masks = (write(tmp_path / "mask.png", mask),)
    (tmp_path / "b.png").write_bytes(b"")
    rows = (
        Row(Sample(image, "test"), 0.1, Verdict("good", 0.1, 0.4)),
        Row(Sample(image, "test", "hole", masks), 0.3, Verdict("good", 0.3, 0.4)),
        Row(
            Sample(tmp_path / "b.png", "test", "dent"),
            None,
            Verdict("undecided", reason="unreadable", detail="empty"),
        ),
    )
    figures = {"image_auroc": Figure(0.9, 0.8, 1.0), "f1_max": Figure(0.7, 0.6, 0.8)}
    kinds = {"hole": {"image_auroc": Figure(0.8, 0.7, 0.9)}, "big_dent": {}}
    return Evaluation(rows, 0.4, {**figures, "aupro": None}, kinds, 0.25, ("a note",))


def test_every_image_becomes_a_case_the_worst_first(evaluation):
    missed, unreadable, good = cases_of(evaluation, corner(), SPEC)
    assert [case.kind for case in (missed, unreadable, good)] == ["hole", "dent", "good"]
    assert (missed.wrong, unreadable.reason, good.wrong) == (True, "empty", False)
    assert (missed.picture.width, missed.picture.height) == (480, 240)
    assert missed.picture.outline
    assert good.picture.outline == ""
    assert unreadable.picture.heat is None


def test_only_the_images_that_are_shown_are_read_and_inspected_again(evaluation, tmp_path):
    detector = corner()
    cases = cases_of(evaluation, detector, SPEC, shown=1)
    assert [case.picture is not None for case in cases] == [True, False, False]
    assert detector.calls == 1


def test_the_clearest_finds_have_a_picture_however_many_errors_there_are(evaluation):
    missed, found = evaluation.rows[1], evaluation.rows[1]
    rows = [replace(missed, verdict=Verdict("good", 0.3, 0.4))] * 12
    rows += [replace(found, score=0.9, verdict=Verdict("anomalous", 0.9, 0.4))]
    cases = cases_of(replace(evaluation, rows=tuple(rows)), corner(), SPEC, shown=10)
    assert sum(case.picture is not None for case in cases) == 10
    assert cases[-1].picture is not None
    assert cases[-1].picture.box


def test_the_page_says_what_was_tested_when_and_how_fast(evaluation, toy_bundle, tmp_path):
    bundle = open_bundle(toy_bundle)
    timed = replace(evaluation, rows=tuple(replace(row, ms=120.0) for row in evaluation.rows))
    said = what_was_tested(bundle, timed, choose(bundle), tmp_path / "fuse")
    assert said["product"] == "fuse"
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d", said["date"])
    assert said["photos"] == f"3: 1 good, 2 defective of 2 kinds, from {tmp_path / 'fuse'}"
    assert said["speed"] == "120 ms a part from file to verdict, 500 parts a minute"
    assert "cores, onnxruntime-fp32" in said["machine"]
    assert "speed" not in what_was_tested(bundle, evaluation, choose(bundle), tmp_path)


def test_the_outline_lies_where_the_mask_is_on_the_frame(evaluation):
    outline = cases_of(evaluation, corner(), SPEC)[0].picture.outline
    places = [float(place) for place in re.findall(r"[\d.]+", outline)]
    assert max(places) == pytest.approx(100 * 480 / 800, abs=1)


def test_a_damaged_mask_leaves_a_case_without_one(evaluation, tmp_path):
    (tmp_path / "mask.png").write_bytes(b"x")
    assert cases_of(evaluation, corner(), SPEC)[0].picture.outline == ""


def test_figures_leave_out_what_is_not_known(evaluation):
    assert figure_texts(evaluation) == {
        "image AUROC": "0.9000 (0.8000 to 1.0000)",
        "F1-max": "0.7000 (0.6000 to 0.8000)",
        "F1-max is reached at": "0.2500",
        "image AUROC, hole": "0.8000 (0.7000 to 0.9000)",
        "false alarms": "0 of 1 good",
        "misses": "1 of 1 defective",
        "undecided": "1",
    }


def test_the_page_holds_title_figures_and_provenance(evaluation, make_bundle, toy_model):
    path = make_bundle(toy_model(), Threshold(0.4, "manual"))
    bundle = open_bundle(path)
    page = evaluation_report_page("x on data", bundle, evaluation, choose(bundle))
    for text in ("x on data", "0.9000", "slsg-edge export", "a note", "onnxruntime-fp32", "sha256"):
        assert text in page


def test_each_operating_point_has_the_command_that_takes_it(toy_bundle, tmp_path):
    good = tuple(AcquiredScore(0.001 * index) for index in range(1, 400))
    bundle, threshold = open_bundle(toy_bundle), choose_threshold(good, {})
    points = points_of(Setup(bundle, "onnxruntime-fp32", threshold, tmp_path))
    assert [each.point for each in points] == [*threshold.points]
    for each in points:
        words = each.command.split()
        assert words[:3] == ["slsg-edge", "calibrate", str(toy_bundle)]
        again = choose_threshold(good, {}, float(words[-1]))
        assert again.value == each.point.threshold
        assert len(again.points) == len(points)  # it is one of them, not another beside it
    assert points_of(Setup(bundle, "onnxruntime-fp32", None, tmp_path)) == ()


def test_provenance_names_every_stage_and_its_tools(tmp_path):
    bundle = new_bundle(tmp_path / "x.slsg", Manifest("slsg", {}, SPEC))
    bundle = bundle.commit(
        *("calibrate-int8", {"model.int8.onnx": b"", "int8.json": b"{}"}),
        command=f"slsg-edge calibrate {BUNDLE} --int8",
        started=time.monotonic(),
        tools={"torch": "2.9"},
    )
    choice = BackendChoice("openvino-int8", "int8", bundle.path / "model.int8.onnx", "as asked")
    found = provenance_of(bundle, choice)
    assert found["backend"] == "openvino-int8, as asked"
    assert found["model"].startswith("model.int8.onnx, sha256 e3b0c442")
    command = f"slsg-edge calibrate {bundle.path} --int8"
    assert found["calibrate-int8"].endswith(f"{command} (torch 2.9)")


@pytest.mark.parametrize(
    ("precision", "expected"),
    [("fp32", ""), ("int8", " --backend openvino-int8")],
)
def test_a_threshold_goes_to_the_backend_it_was_seen_on(tmp_path, precision, expected):
    bundle = new_bundle(tmp_path / "x.slsg", Manifest("slsg", {}, SPEC))
    choice = BackendChoice("openvino-int8", precision, bundle.path / "model.onnx", "as asked")
    command = f"slsg-edge calibrate {tmp_path}/x.slsg{expected} --threshold"
    assert command_of(bundle, choice) == command
