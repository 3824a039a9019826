import json

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from slsg_edge.contracts import Sample
from slsg_edge.data.saturation import DEFECTS_CONFIG_FILE, defect_rules
from slsg_edge.evaluation.pixel import PixelEvaluation
from slsg_edge.preprocessing import Preprocessing, Roi

SPEC = Preprocessing(16, 16)
SHAPE = (32, 32, 3)


def defect(folder, name, *values, rows=slice(8, 16)):
    """A defective image with one mask file for each grey value, side by side."""
    masks = []
    for index, value in enumerate(values):
        mask = np.zeros(SHAPE[:2], np.uint8)
        mask[rows, 8 * index : 8 * index + 8] = value
        masks.append(folder / f"{name}-{index}.png")
        cv2.imwrite(str(masks[-1]), mask)
    return Sample(folder / f"{name}.png", "test", name, tuple(masks))


def heat(seed, rows=None):
    found = np.random.default_rng(seed).random((16, 16), dtype=np.float32) * 0.5
    if rows:
        found[rows, :4] += 0.4
    return found


def good(folder):
    return Sample(folder / "good.png", "test")


def run(pairs, spec=SPEC, rules=None):
    with PixelEvaluation(spec, rules) as pixels:
        for sample, scores in pairs:
            pixels.add(sample, SHAPE, scores)
        return pixels.outcome(replicates=20)


def test_maps_are_compared_with_masks_at_the_size_of_the_image(tmp_path):
    pairs = [(good(tmp_path), heat(0)), (defect(tmp_path, "hole", 255), heat(1, slice(4, 8)))]
    found = run(pairs)
    large = [cv2.resize(scores, (32, 32), interpolation=cv2.INTER_LINEAR) for _, scores in pairs]
    mask = np.zeros((2, 32, 32), bool)
    mask[1, 8:16, :8] = True
    expected = roc_auc_score(mask.ravel(), np.stack(large).ravel())
    assert found.figures["pixel_auroc"].value == pytest.approx(expected)
    assert found.figures["spro_0.05"] is None
    assert found.kinds == {"hole": found.figures}
    assert found.notes == ()


def test_each_kind_has_figures_over_its_images_and_the_good_ones(tmp_path):
    pairs = [
        (good(tmp_path), heat(0)),
        (defect(tmp_path, "hole", 255), heat(1, slice(4, 8))),
        (defect(tmp_path, "crack", 255), heat(2)),
    ]
    found = run(pairs)
    assert list(found.kinds) == ["hole", "crack"]
    assert found.kinds["hole"] == run(pairs[:2]).figures
    assert found.kinds["crack"]["aupro"].value < found.figures["aupro"].value


def test_with_the_configuration_of_the_data_set_there_is_saturated_pro(tmp_path):
    rules = [
        {"defect_name": "gap", "pixel_value": 255, "saturation_threshold": 0.25},
        {"defect_name": "dirt", "pixel_value": 254, "saturation_threshold": 10},
    ]
    for rule in rules:
        rule["relative_saturation"] = rule["saturation_threshold"] < 1
    (tmp_path / DEFECTS_CONFIG_FILE).write_text(json.dumps(rules))
    sample = defect(tmp_path, "both", 255, 254)
    hot = np.zeros((16, 16), np.float32)
    hot[4:6, :4] = 1  # half of the first defect, so more than its quarter
    found = run([(good(tmp_path), heat(0)), (sample, hot)], rules=defect_rules(tmp_path))
    assert found.figures["spro_1.0"].value > found.figures["aupro"].value
    assert 0.5 <= found.figures["spro_0.01"].value < 0.6


def test_images_that_cannot_take_part_are_left_out_and_said(tmp_path):
    broken, black = defect(tmp_path, "broken", 255), defect(tmp_path, "black", 0)
    broken.masks[0].write_bytes(b"x")
    pairs = [
        (good(tmp_path), heat(0)),
        (defect(tmp_path, "hole", 255), heat(1)),
        (Sample(tmp_path / "none.png", "test", "hole"), heat(2)),
        (broken, heat(3)),
        (black, heat(4)),
        (defect(tmp_path, "lost", 255), np.full((16, 16), np.nan, np.float32)),
    ]
    found = run(pairs)
    assert found.figures == run(pairs[:2]).figures
    unmasked, faults = found.notes
    assert "without a mask, so in no pixel figure: 1" in unmasked
    assert "left out of the pixel figures: 3; the first" in faults
    assert "broken-0.png" in faults


def test_without_masks_there_are_no_figures_and_the_note_says_why(tmp_path):
    found = run([(good(tmp_path), heat(0))])
    assert (found.figures, found.kinds) == ({}, {})
    assert "need good and defective; there are 1024 good and 0 defective pixels" in found.notes[0]


def test_only_the_region_of_interest_counts(tmp_path):
    spec = Preprocessing(16, 16, roi=Roi(0, 8, 16, 16))
    pairs = [
        (good(tmp_path), heat(0)),
        (defect(tmp_path, "hole", 255), heat(1, slice(0, 8))),
        (defect(tmp_path, "beside", 255, rows=slice(26, 30)), heat(2)),
    ]
    found = run(pairs, spec)
    inside = np.stack([scores for _, scores in pairs[:2]])  # 16x16 like the region
    mask = np.zeros((2, 16, 16), bool)
    mask[1, :8, :8] = True
    expected = roc_auc_score(mask.ravel(), inside.ravel())
    assert found.figures["pixel_auroc"].value == pytest.approx(expected)
    assert list(found.kinds) == ["hole"]
    assert "outside the region of interest" in found.notes[0]
