import json
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from slsg_edge.contracts import Prediction
from slsg_edge.data.layouts import read_dataset
from slsg_edge.errors import ConfigError, DatasetError
from slsg_edge.evaluation.evaluate import evaluate
from slsg_edge.evaluation.summary import summary_of
from slsg_edge.line.sources.source import open_source
from slsg_edge.line.watching import watch
from slsg_edge.preprocessing import Preprocessing, Roi, prepare
from slsg_edge.runtime.fake_detector import FakeDetector
from slsg_edge.runtime.judged import Judged
from slsg_edge.scoring import Threshold

SPEC = Preprocessing(32, 32)
THRESHOLD = Threshold(0.5, "manual", good_scores=(0.1, 0.2))


class Redness:
    """A detector whose map is the red of the frame and whose score is the largest of it."""

    name = "redness"

    def __init__(self, spec=SPEC):
        self.spec = spec

    def detect(self, frame):
        heat = prepare(frame, self.spec)[..., 2].astype(np.float32) / 255
        return Prediction(heat, float(heat.max()))

    def close(self):
        pass


def write(path, red, rows=slice(16, 32)):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.zeros((64, 64, 3), np.uint8)
    image[rows, 16:32, 2] = red
    cv2.imwrite(str(path), image)


@pytest.fixture
def folder(tmp_path):
    """Good ones of red 20, 60 and 140, a hole of 100, 200 and 220, a scratch without a mask."""
    for index, red in enumerate((20, 60, 140)):
        write(tmp_path / f"test/good/{index:03}.png", red)
    for index, red in enumerate((100, 200, 220)):
        write(tmp_path / f"test/hole/{index:03}.png", red)
        mask = tmp_path / f"ground_truth/hole/{index:03}_mask.png"
        write(mask, 255)
    write(tmp_path / "test/scratch/000.png", 250)
    return tmp_path


def run(folder, threshold=THRESHOLD, detector=None, spec=SPEC, **options):
    return evaluate(detector or Redness(spec), read_dataset(folder), threshold, spec, **options)


def value(figures, name):
    return figures[name].value


def test_image_figures_are_those_of_scikit_learn_over_all_and_per_kind(folder):
    found = run(folder)
    reds = np.array([20, 60, 140, 100, 200, 220, 250])
    defective = np.array([0, 0, 0, 1, 1, 1, 1])
    assert found.image_auroc == pytest.approx(roc_auc_score(defective, reds))
    assert list(found.kinds) == ["hole", "scratch"]
    assert value(found.kinds["hole"], "image_auroc") == pytest.approx(
        roc_auc_score(defective[:6], reds[:6])
    )
    assert value(found.kinds["scratch"], "image_auroc") == 1
    assert value(found.figures, "f1_max") == pytest.approx(8 / 9)
    assert found.f1_max_threshold == pytest.approx(60 / 255)


def test_every_figure_has_an_interval_around_it(folder):
    for figure in filter(None, run(folder).figures.values()):
        assert 0 <= figure.low <= figure.value + 1e-9
        assert figure.value - 1e-9 <= figure.high <= 1


def test_pixels_are_compared_at_the_size_of_the_image_by_kind_too(folder):
    found = run(folder)
    maps, labels = np.zeros((6, 64, 64), np.float32), np.zeros((6, 64, 64), bool)
    for index, red in enumerate((20, 60, 140, 100, 200, 220)):
        small = np.zeros((32, 32), np.float32)
        small[8:16, 8:16] = red / 255
        maps[index] = cv2.resize(small, (64, 64), interpolation=cv2.INTER_LINEAR)
        labels[index, 16:32, 16:32] = index >= 3
    expected = roc_auc_score(labels.ravel(), maps.ravel())
    assert value(found.figures, "pixel_auroc") == pytest.approx(expected, abs=1e-6)
    assert found.kinds["hole"]["aupro"] == found.figures["aupro"]
    assert "aupro" not in found.kinds["scratch"]
    assert any("without a mask, so in no pixel figure: 1" in note for note in found.notes)


def test_saturated_pro_needs_the_configuration_of_the_data_set(folder):
    assert run(folder).figures["spro_0.05"] is None
    rule = {"defect_name": "hole", "pixel_value": 255, "saturation_threshold": 4}
    (folder / "defects_config.json").write_text(
        json.dumps([{**rule, "relative_saturation": False}])
    )
    for path in (folder / "ground_truth/hole").iterdir():
        mask = np.zeros((64, 64), np.uint8)
        mask[16:32, 16:32] = 255
        cv2.imwrite(str(path), mask)
    assert value(run(folder).figures, "spro_0.05") > 0


def test_false_alarms_and_misses_are_counted_at_the_threshold(folder):
    found = run(folder)
    assert (found.false_alarms, found.misses) == (1, 1)
    assert [row.outcome for row in found.rows] == ["good"] * 2 + ["anomalous"] + ["good"] + [
        "anomalous"
    ] * 3
    assert found.rows[-1].verdict.p_value == pytest.approx(1 / 3)


def test_without_a_threshold_there_are_figures_but_no_verdicts(folder):
    found = run(folder, threshold=None)
    assert found.image_auroc == run(folder).image_auroc
    assert (found.false_alarms, found.misses) == (None, None)
    assert {row.outcome for row in found.rows} == {None}


@pytest.mark.parametrize("threshold", [THRESHOLD, None])
def test_an_unreadable_image_is_undecided_and_never_good(folder, threshold):
    (folder / "test/hole/001.png").write_bytes(b"")
    found = run(folder, threshold)
    (row,) = found.undecided
    assert row.sample.image.name == "001.png"
    assert row.score is None
    assert found.scored(good=False) == 3
    assert any("Undecided" in note and "is empty" in note for note in found.notes)


def test_a_score_that_is_no_number_is_undecided(folder):
    found = run(folder, detector=FakeDetector(float("nan")))
    assert len(found.undecided) == 7
    assert found.figures == {}
    assert found.kinds == {}
    assert (found.false_alarms, found.misses) == (0, 0)


BAD_MAPS = {
    "NaN": np.full((32, 32), np.nan, np.float32),
    "infinity": np.full((32, 32), np.inf, np.float32),
    "another shape": np.zeros((16, 32), np.float32),
}


@pytest.mark.parametrize("threshold", [THRESHOLD, None])
@pytest.mark.parametrize("bad", BAD_MAPS)
def test_eval_and_the_line_decide_alike_on_a_finite_score_with_a_bad_map(folder, threshold, bad):
    detector = FakeDetector(0.1, BAD_MAPS[bad])
    evaluation = run(folder, threshold, detector)
    assert [row.outcome for row in evaluation.rows] == ["undecided"] * 7
    assert evaluation.scored(good=True) == 0
    kept = []

    class Kept:
        name, essential = "kept", True

        def write(self, inspection):
            kept.append(inspection.record)

    with open_source(str(folder / "test")) as source:
        watch(source, Judged(detector, THRESHOLD, (32, 32)), [Kept()])
    assert [(record.verdict, record.reason) for record in kept] == [
        ("undecided", row.verdict.reason) for row in evaluation.rows
    ]


def test_a_detector_that_fails_on_one_image_leaves_the_others_their_verdicts(folder):
    detector = FakeDetector([0.1, 0.2, RuntimeError("lost"), 0.7, 0.8, 0.9, 0.95])
    evaluation = run(folder, detector=detector)
    assert [row.outcome for row in evaluation.rows] == (
        ["good", "good", "undecided"] + ["anomalous"] * 4
    )
    assert evaluation.image_auroc == 1
    assert any("RuntimeError: lost" in note for note in evaluation.notes)


def test_what_cannot_be_measured_is_none_and_said(folder):
    for path in (folder / "test/good").iterdir():
        path.unlink()
    found = run(folder)
    assert (found.image_auroc, found.misses) == (None, 1)
    assert any("No image figures" in note and "0 good" in note for note in found.notes)
    # the good pixels around the defects are there, so the pixel figures are too
    assert value(found.figures, "pixel_auroc") > 0.5


def test_without_masks_there_are_no_pixel_figures(folder):
    for path in (folder / "ground_truth/hole").iterdir():
        path.unlink()
    found = run(folder)
    assert "pixel_auroc" not in found.figures
    assert any("No pixel figures" in note for note in found.notes)
    assert any("without a mask, so in no pixel figure: 4" in note for note in found.notes)


def damaged(path):
    path.write_bytes(b"x")


def of_another_size(path):
    cv2.imwrite(str(path), np.full((8, 8), 255, np.uint8))


def black(path):
    cv2.imwrite(str(path), np.zeros((64, 64), np.uint8))


@pytest.mark.parametrize("spoil", [damaged, of_another_size, black])
def test_a_mask_that_cannot_be_used_is_left_out_and_said(folder, spoil):
    spoil(folder / "ground_truth/hole/000_mask.png")
    found = run(folder)
    assert found.figures["pixel_auroc"] is not None
    (note,) = (
        note for note in found.notes if "left out of the pixel figures: 1; the first" in note
    )
    assert "000_mask.png" in note


def test_grey_values_that_the_configuration_does_not_know_are_said(folder):
    rule = {"defect_name": "hole", "pixel_value": 7, "saturation_threshold": 1}
    (folder / "defects_config.json").write_text(json.dumps([{**rule, "relative_saturation": True}]))
    found = run(folder)
    assert "spro_0.05" not in found.figures
    assert any("must have one of those in its defects_config.json" in note for note in found.notes)


def test_the_border_of_a_letterbox_is_in_no_pixel_figure(folder):
    for path in (folder / "test").rglob("*.png"):
        cv2.imwrite(str(path), cv2.imread(str(path))[:32])
    for path in (folder / "ground_truth").rglob("*.png"):
        cv2.imwrite(str(path), cv2.imread(str(path))[:32])
    stretched = run(folder).figures["pixel_auroc"].value
    boxed = run(folder, spec=Preprocessing(32, 32, "letterbox")).figures["pixel_auroc"].value
    assert boxed == pytest.approx(stretched, abs=0.02)


def test_a_region_outside_the_images_is_an_error(folder):
    with pytest.raises(ConfigError, match="reaches outside"):
        run(folder, spec=Preprocessing(32, 32, roi=Roi(0, 0, 65, 64)))


def test_a_folder_without_test_images_is_an_error(tmp_path):
    write(tmp_path / "train/good/000.png", 20)
    with pytest.raises(DatasetError, match=r"has no test images.*test/good"):
        run(tmp_path)


def test_progress_counts_images_and_then_pixel_figures(folder):
    steps = []

    @contextmanager
    def bars(what, total):
        counted = []
        yield lambda: counted.append(1)
        steps.append((what, total, len(counted)))

    run(folder, bars=bars)
    assert steps == [("test images", 7, 7), ("pixel figures", 2, 2)]


def test_the_summary_is_plain_json_with_an_interval_for_each_figure(folder):
    summary = json.loads(json.dumps(summary_of(run(folder))))
    assert summary["false_alarms"] == 1
    assert summary["images"][0]["outcome"] == "good"
    assert set(summary["kinds"]["scratch"]["image_auroc"]) == {"value", "low", "high"}
    assert summary["kinds"]["scratch"]["image_auroc"]["value"] == 1
    assert summary["figures"]["aupro"]["low"] <= summary["figures"]["aupro"]["value"]
    assert summary["figures"]["spro_0.05"] is None
