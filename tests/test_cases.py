import time

import cv2
import numpy as np
import pytest

from slsg_edge.bundle import Manifest, new_bundle
from slsg_edge.cases import cases_of, figures_of, provenance_of, report_page
from slsg_edge.contracts import Sample, Verdict
from slsg_edge.evaluation import Evaluation, Ranking, Row
from slsg_edge.preprocessing import Preprocessing, Roi
from slsg_edge.report import LONGEST_SIDE

SPEC = Preprocessing(64, 64, roi=Roi(0, 0, 400, 400))


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
    heat = np.zeros((64, 64), np.float32)
    heat[:16, :16] = 1
    rows = (
        Row(Sample(image, "test"), 0.1, Verdict("good", 0.1, 0.4), heat * 0),
        Row(Sample(image, "test", "hole", masks), 0.3, Verdict("good", 0.3, 0.4), heat),
        Row(Sample(tmp_path / "b.png", "test", "hole"), None, Verdict("undecided", reason="empty")),
    )
    ranking = Ranking(0.9, {"hole": 0.8}, 0.7, 0.25)
    return Evaluation(rows, 0.4, ranking, None, ("a note",))


def test_every_image_becomes_a_case_that_fits_the_page(evaluation):
    good, missed, unreadable = cases_of(evaluation, SPEC)
    assert [case.kind for case in (good, missed, unreadable)] == ["good", "hole", "hole"]
    assert (good.wrong, missed.wrong, unreadable.outcome) == (False, True, "undecided")
    assert max(missed.image.shape) == LONGEST_SIDE
    assert missed.image.shape[:2] == missed.heat.shape == missed.mask.shape
    assert good.mask is None
    assert not unreadable.image.any()


def test_heat_and_mask_lie_on_the_same_place_of_the_frame(evaluation):
    missed = cases_of(evaluation, SPEC)[1]
    hot = missed.heat > 0.5
    assert (hot != missed.mask).sum() < 0.1 * missed.mask.sum()
    assert missed.mask.mean() == pytest.approx(100 * 100 / (400 * 800), rel=0.05)


def test_a_small_image_is_not_enlarged(evaluation, tmp_path):
    write(tmp_path / "a.png", np.zeros((20, 30, 3), np.uint8))
    case = cases_of(evaluation, Preprocessing(64, 64))[0]
    assert case.image.shape == (20, 30, 3)


def test_a_damaged_mask_leaves_a_case_without_one(evaluation, tmp_path):
    (tmp_path / "mask.png").write_bytes(b"x")
    assert cases_of(evaluation, SPEC)[1].mask is None


def test_figures_leave_out_what_is_not_known(evaluation):
    figures = figures_of(evaluation)
    assert figures["image AUROC"] == "0.9000"
    assert figures["image AUROC, hole"] == "0.8000"
    assert figures["F1-max"] == "0.7000 at 0.25"
    assert figures["false alarms"] == "0 of 1 good"
    assert figures["misses"] == "1 of 1 defective"
    assert figures["undecided"] == "1"
    assert "pixel AUROC" not in figures


def test_the_page_holds_title_figures_and_provenance(evaluation, tmp_path):
    bundle = new_bundle(tmp_path / "x.slsg", Manifest("slsg", {}, SPEC))
    bundle = bundle.commit(
        "train", {"w": b""}, command="slsg-edge train x", started=time.monotonic()
    )
    page = report_page("x on data", bundle, evaluation)
    assert "slsg-edge train x" in provenance_of(bundle)["train"]
    for text in ("x on data", "0.9000", "slsg-edge train x", "<img"):
        assert text in page
