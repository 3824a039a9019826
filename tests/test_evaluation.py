import json

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from slsg_edge.contracts import Prediction
from slsg_edge.data.layouts import read_dataset
from slsg_edge.errors import ConfigError, DatasetError
from slsg_edge.evaluation import evaluate, summary_of
from slsg_edge.preprocessing import Preprocessing, Roi, prepare
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


class Broken(Redness):
    def detect(self, frame):
        return Prediction(np.full((32, 32), np.nan, np.float32), float("nan"))


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


def test_rankings_are_those_of_scikit_learn_over_all_and_per_kind(folder):
    found = run(folder)
    reds = np.array([20, 60, 140, 100, 200, 220, 250])
    defective = np.array([0, 0, 0, 1, 1, 1, 1])
    assert found.image_auroc == pytest.approx(roc_auc_score(defective, reds))
    assert found.ranking.kinds == {
        "hole": pytest.approx(roc_auc_score(defective[:6], reds[:6])),
        "scratch": 1.0,
    }
    assert found.ranking.f1_max == pytest.approx(8 / 9)
    assert found.ranking.f1_max_threshold == pytest.approx(60 / 255)


def test_pixels_are_those_of_the_masks_and_of_all_good_images(folder):
    found = run(folder)
    small = slice(8, 16)
    maps, labels = np.zeros((6, 32, 32)), np.zeros((6, 32, 32), bool)
    for index, red in enumerate((20, 60, 140, 100, 200, 220)):
        maps[index, small, small] = red
        labels[index, small, small] = index >= 3
    expected = roc_auc_score(labels.ravel(), maps.ravel())
    assert found.pixel_auroc == pytest.approx(expected, abs=1e-4)
    assert any("without a mask, so not in the pixels: 1" in note for note in found.notes)


def test_false_alarms_and_misses_are_counted_at_the_threshold(folder):
    found = run(folder)
    assert (found.false_alarms, found.misses) == (1, 1)
    assert [row.outcome for row in found.rows] == ["good"] * 2 + ["anomalous"] + ["good"] + [
        "anomalous"
    ] * 3
    assert found.rows[-1].verdict.p_value == pytest.approx(1 / 3)


def test_without_a_threshold_there_are_rankings_but_no_verdicts(folder):
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
    found = run(folder, detector=Broken())
    assert len(found.undecided) == 7
    assert (found.image_auroc, found.pixel_auroc) == (None, None)
    assert (found.false_alarms, found.misses) == (0, 0)


def test_what_cannot_be_measured_is_none_and_said(folder):
    for path in (folder / "test/good").iterdir():
        path.unlink()
    found = run(folder)
    assert (found.ranking, found.misses) == (None, 1)
    assert any("No image AUROC" in note and "0 good" in note for note in found.notes)


def test_without_masks_there_is_no_pixel_auroc(folder):
    for path in (folder / "ground_truth/hole").iterdir():
        path.unlink()
    found = run(folder)
    assert found.pixel_auroc is None
    assert any("No pixel AUROC" in note for note in found.notes)
    assert any("without a mask, so not in the pixels: 4" in note for note in found.notes)


def test_a_damaged_mask_is_left_out_and_said(folder):
    (folder / "ground_truth/hole/000_mask.png").write_bytes(b"x")
    found = run(folder)
    assert found.pixel_auroc is not None
    assert any("not in the pixels: 1; the first" in note for note in found.notes)


def test_the_border_of_a_letterbox_is_in_no_pixel_figure(folder):
    for path in (folder / "test").rglob("*.png"):
        cv2.imwrite(str(path), cv2.imread(str(path))[:32])
    for path in (folder / "ground_truth").rglob("*.png"):
        cv2.imwrite(str(path), cv2.imread(str(path))[:32])
    stretched = run(folder).pixel_auroc
    boxed = run(folder, spec=Preprocessing(32, 32, "letterbox")).pixel_auroc
    assert boxed == pytest.approx(stretched, abs=0.01)


def test_a_region_outside_the_images_is_an_error(folder):
    with pytest.raises(ConfigError, match="reaches outside"):
        run(folder, spec=Preprocessing(32, 32, roi=Roi(0, 0, 65, 64)))


def test_a_folder_without_test_images_is_an_error(tmp_path):
    write(tmp_path / "train/good/000.png", 20)
    with pytest.raises(DatasetError, match=r"has no test images.*test/good"):
        run(tmp_path)


def test_maps_are_kept_only_when_asked_for_and_progress_counts_images(folder):
    steps = []
    assert run(folder).rows[0].anomaly_map is None
    kept = run(folder, keep_maps=True, progress=lambda: steps.append(1))
    assert kept.rows[0].anomaly_map.shape == (32, 32)
    assert len(steps) == 7


def test_the_summary_is_plain_json(folder):
    summary = json.loads(json.dumps(summary_of(run(folder))))
    assert summary["false_alarms"] == 1
    assert summary["images"][0]["outcome"] == "good"
    assert summary["image_auroc_by_kind"]["scratch"] == 1
