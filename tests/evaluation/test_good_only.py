import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from bundles import sets, with_file

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.good_scores import GoodScore, GoodScores, good_scores_file
from slsg_edge.data.splits import content_hash
from slsg_edge.evaluation.evaluate import evaluate_dataset
from slsg_edge.evaluation.good_only import open_evaluation_set, pasted
from slsg_edge.evaluation.left_out import LeftOutScore, left_out_scores
from slsg_edge.images import read_image
from slsg_edge.preprocessing import Preprocessing, Roi, prepare
from slsg_edge.runtime.detector import choose
from slsg_edge.scoring import expit, logit


def draw(folder, count, first=0):
    """Good images: a disc on a dark ground, each a little different."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(first, first + count):
        image = np.full((80, 120, 3), 30, np.uint8)
        cv2.circle(image, (60, 40), 20 + index, (90, 120 + index, 150), -1)
        cv2.imwrite(str(folder / f"{index:03}.png"), image)
    return folder


@pytest.fixture
def bundle(toy_bundle):
    return open_bundle(toy_bundle)


def learned(bundle, trained, held_out=()):
    """The bundle, which has learned from these files."""
    record = {
        "train": [content_hash(path) for path in trained],
        "holdout": [content_hash(path) for path in held_out],
    }
    return with_file(bundle, "data.json", json.dumps(record).encode())


def left_out(bundle, trained, scores):
    """As `learned`, and training left these scores."""
    pairs = zip(trained, scores, strict=True)
    good = tuple(GoodScore(content_hash(path), score, "left-out") for path, score in pairs)
    bundle = with_file(bundle, "good_scores.json", good_scores_file(GoodScores(good)))
    return learned(bundle, trained)


def good_names(tested):
    return sorted(sample.image.name for sample in tested.dataset.of("test", good=True))


def test_held_out_good_images_are_tested_and_not_those_trained_on(bundle, tmp_path):
    folder = draw(tmp_path / "data/train/good", 8)
    paths = sorted(folder.iterdir())
    bundle = learned(bundle, paths[:6], paths[6:])
    with open_evaluation_set(bundle, tmp_path / "data") as tested:
        assert good_names(tested) == ["006.png", "007.png"]
        assert "Good images: 2 that it was not trained on." in tested.simulated


def test_of_a_plain_folder_those_count_that_were_not_trained_on(bundle, tmp_path):
    folder = draw(tmp_path / "photos", 5)
    bundle = learned(bundle, sorted(folder.iterdir())[:2])
    with open_evaluation_set(bundle, folder) as tested:
        assert good_names(tested) == ["002.png", "003.png", "004.png"]


def test_where_all_were_trained_on_those_are_tested_and_it_is_said(bundle, tmp_path):
    folder = draw(tmp_path / "photos", 5)
    bundle = learned(bundle, sorted(folder.iterdir()))
    with open_evaluation_set(bundle, folder) as tested:
        assert len(good_names(tested)) == 5
        assert "5 that it was trained on, so it looks better than it is" in tested.simulated


def test_images_that_were_learned_from_count_by_the_scores_that_training_left(bundle, tmp_path):
    paths = sorted(draw(tmp_path / "photos", 6).iterdir())
    scores = [0.1, 0.2, 0.3, 0.4, 0.6, 0.7]
    bundle = left_out(bundle, paths, scores)
    choice = choose(bundle, "onnxruntime-fp32")
    with open_evaluation_set(bundle, tmp_path / "photos") as tested:
        assert "6 that it learned from, each with the score by what was learned" in tested.simulated
        assert "looks better" not in tested.simulated
        found = evaluate_dataset(
            bundle, tested.dataset, choice, simulated=tested.simulated, left_out=tested.left_out
        )
    rows = {row.sample.image: row for row in found.rows if row.kind == "good"}
    assert [rows[path].score for path in paths] == scores
    assert [rows[path].outcome for path in paths] == ["good"] * 4 + ["anomalous"] * 2
    assert found.false_alarms == 2
    assert any("learned from: 6." in note for note in found.notes)
    assert not any("too good" in note for note in found.notes)


def test_a_backend_that_moves_scores_moves_the_left_out_ones_as_well(bundle, tmp_path):
    paths = sorted(draw(tmp_path / "photos", 2).iterdir())
    choice = choose(bundle, "onnxruntime-fp32")
    reference = LeftOutScore(0.3)
    assert left_out_scores(bundle, choice, {paths[0]: 0.3}) == {paths[0]: reference}
    assert reference.on_backend(0.9) == 0.3
    other = replace(choice, backend="tensorrt-fp16")
    (found,) = left_out_scores(bundle, other, {paths[0]: 0.3}).values()
    assert found.on_backend(found.learned) == pytest.approx(0.3)
    higher = expit(logit(found.learned) + 0.5)
    assert logit(found.on_backend(higher)) == pytest.approx(logit(0.3) + 0.5)


def test_those_trained_on_without_such_a_score_are_left_out(bundle, tmp_path):
    paths = sorted(draw(tmp_path / "photos", 6).iterdir())
    bundle = learned(left_out(bundle, paths[:2], [0.1, 0.2]), paths[:4])
    with open_evaluation_set(bundle, tmp_path / "photos") as tested:
        assert good_names(tested) == ["000.png", "001.png", "004.png", "005.png"]
        assert sorted(tested.left_out.values()) == [0.1, 0.2]
        assert "2 that it was not trained on, and 2 that it learned from" in tested.simulated


def test_good_test_images_are_taken_first(bundle, tmp_path):
    draw(tmp_path / "data/train/good", 5)
    draw(tmp_path / "data/test/good", 2, first=10)
    with open_evaluation_set(bundle, tmp_path / "data") as tested:
        assert good_names(tested) == ["010.png", "011.png"]


def test_real_defects_leave_nothing_to_simulate(bundle, tmp_path):
    draw(tmp_path / "data/train/good", 5)
    draw(tmp_path / "data/test/hole", 1, first=10)
    with open_evaluation_set(bundle, tmp_path / "data") as tested:
        assert tested.simulated == ""
        assert [sample.kind for sample in tested.dataset.of("test")] == ["hole"]


def test_anomalies_of_each_kind_are_pictures_with_masks_that_are_gone_afterwards(bundle, tmp_path):
    draw(tmp_path / "photos", 4)
    with open_evaluation_set(bundle, tmp_path / "photos") as tested:
        anomalous = tested.dataset.of("test", good=False)
        kinds = [sample.kind for sample in anomalous]
        assert {kind: kinds.count(kind) for kind in kinds} == {
            "simulated_structure": 4, "simulated_texture": 4, "simulated_fractal": 4,
        }  # fmt: skip
        for sample in anomalous:
            good = read_image(tmp_path / "photos" / f"{sample.image.name[:3]}.png")
            image = read_image(sample.image)
            mask = cv2.imread(str(sample.masks[0]), cv2.IMREAD_GRAYSCALE) > 0
            assert image.shape == good.shape
            assert mask.any()
            np.testing.assert_array_equal(image[~mask], good[~mask])
            assert np.abs(image[mask].astype(int) - good[mask]).max() > 12
        assert tested.simulated.startswith("No real defect was tested: 12 anomalies")
    assert not any(sample.image.exists() for sample in anomalous)


def test_the_same_images_get_the_same_anomalies(bundle, tmp_path):
    draw(tmp_path / "photos", 3)
    found = []
    for _ in range(2):
        with open_evaluation_set(bundle, tmp_path / "photos") as tested:
            found.append([content_hash(s.image) for s in tested.dataset.of("test", good=False)])
    assert found[0] == found[1]


def test_a_photo_that_cannot_be_read_carries_none(bundle, tmp_path):
    folder = draw(tmp_path / "photos", 3)
    (folder / "001.png").write_bytes(b"x")
    with open_evaluation_set(bundle, folder) as tested:
        assert len(tested.dataset.of("test", good=True)) == 3
        assert len(tested.dataset.of("test", good=False)) == 6


@pytest.mark.parametrize("roi", [None, Roi(20, 10, 60, 40)])
def test_a_detector_sees_the_anomaly_where_it_was_simulated(roi):
    spec = Preprocessing(32, 32, roi=roi)
    photo = np.full((80, 120, 3), 40, np.uint8)
    anomalous, mask = prepare(photo, spec), np.zeros((32, 32), bool)
    mask[8:20, 12:24] = True
    anomalous[mask] = 200
    drawn, there = pasted(photo, anomalous, mask, spec)
    seen = prepare(drawn, spec)
    assert (seen[10:18, 14:22] > 190).all()
    assert (seen[~cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))).astype(bool)] == 40).all()
    assert there.sum() > 0
    if roi:
        outside = np.ones((80, 120), bool)
        outside[10:50, 20:80] = False
        assert not there[outside].any()


def test_with_a_region_of_interest_anomalies_lie_inside_it(bundle, tmp_path):
    draw(tmp_path / "photos", 3)
    spec = Preprocessing(32, 32, roi=Roi(30, 10, 60, 60))
    bundle = bundle.commit(
        *("train", {}), command="x", started=0.0, update=sets(preprocessing=spec)
    )
    with open_evaluation_set(bundle, tmp_path / "photos") as tested:
        for sample in tested.dataset.of("test", good=False):
            mask = cv2.imread(str(sample.masks[0]), cv2.IMREAD_GRAYSCALE) > 0
            assert mask[10:70, 30:90].any()
            mask[10:70, 30:90] = False
            assert not mask.any()
