"""What INT8 graphs are compared on, and by which threshold their golden verdicts are judged."""

import dataclasses
import json
import shutil

import cv2
import numpy as np
import onnx
import pytest

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.golden import Golden
from slsg_edge.errors import DatasetError, ExportError
from slsg_edge.stages.int8_comparison import (
    Int8Comparison,
    LabelledFrames,
    comparison_frames,
    labelled_test_frames,
    threshold_frames,
)
from slsg_edge.synthesis.settings import (
    ForegroundSettings,
    SourceRule,
    StructureSettings,
    SynthesisSettings,
)

LEVELS = (40, 80, 140, 200)
GOOD = range(90, 120, 3)


@pytest.fixture
def bundle(make_bundle, toy_model):
    """Golden answers of the toy model; its threshold of 0.5 was set by hand."""
    frames = np.stack([np.full((32, 32, 3), level, np.uint8) for level in LEVELS])
    maps = (frames.mean(-1) / 255).astype(np.float32)
    golden = Golden(frames, maps, maps.max((1, 2))).to_bytes()
    files = {"model.onnx": toy_model(), "golden.npz": golden}
    made = open_bundle(make_bundle(toy_model()))
    return made.commit("export", files, command="slsg-edge export", started=0.0)


@pytest.fixture
def good(tmp_path):
    folder = tmp_path / "good"
    folder.mkdir()
    for level in GOOD:
        cv2.imwrite(str(folder / f"{level}.png"), np.full((32, 32, 3), level, np.uint8))
    return folder


def test_scores_that_move_as_a_whole_change_no_verdict_at_a_threshold_of_their_own(
    bundle, good, toy_model
):
    compared = comparison_frames(bundle, sorted(good.iterdir()))
    moved = toy_model(offset=0.25)
    assert Int8Comparison(bundle, compared).damage(moved).verdicts == 1
    fresh = threshold_frames(bundle, good, 0.1)
    assert len(fresh.frames) == len(GOOD)
    assert Int8Comparison(bundle, compared, fresh).damage(moved).verdicts == 0


def test_defects_that_score_like_good_images_change_their_verdicts(bundle, good):
    model = onnx.load_from_string(bundle.file("model.onnx").read_bytes())
    (largest,) = (entry for entry in model.graph.initializer if entry.name == "largest")
    largest.float_data[:] = [float("inf")]  # every answer is 0
    compared = comparison_frames(bundle, sorted(good.iterdir()))
    comparison = Int8Comparison(bundle, compared, threshold_frames(bundle, good, 0.1))
    assert comparison.damage(model.SerializeToString()).verdicts == 2


def test_good_images_are_compared_and_an_anomaly_simulated_in_each(bundle, good):
    images = sorted(good.iterdir())
    compared = comparison_frames(bundle, images)
    assert compared.labels.tolist() == [False] * len(GOOD) + [True] * len(GOOD)
    plain, anomalous = np.split(compared.frames, 2)
    assert sorted(plain.max((1, 2, 3)).tolist()) == list(GOOD)
    changed = (plain != anomalous).any(-1).mean((1, 2))
    # a piece of a grey picture, put elsewhere in it, cannot be seen: textures can
    assert (changed > 0).sum() >= len(GOOD) / 4
    assert changed.mean() < 0.5
    again = comparison_frames(bundle, images)
    np.testing.assert_array_equal(again.frames, compared.frames)


def test_anomalies_are_simulated_by_the_rules_of_the_training(bundle, good):
    rules = SynthesisSettings(
        structure_probability=0.0,
        structure=StructureSettings(sources=(SourceRule(weight=2.0),)),
        foreground=ForegroundSettings(keep=(0.0, 0.5, 0.0, 1.0)),  # the upper half
    )
    recorded = json.loads(json.dumps({"synthesis": dataclasses.asdict(rules)}))
    trained = bundle.commit("train", {}, command="c", started=0.0, settings=recorded)
    plain, anomalous = np.split(comparison_frames(trained, sorted(good.iterdir())).frames, 2)
    changed = (plain != anomalous).any(-1)
    assert changed[:, :16].any((1, 2)).all()
    assert not changed[:, 16:].any()


def test_the_auroc_is_that_between_both_kinds_and_the_rank_that_of_all(bundle, toy_model):
    levels = np.array([40, 50, 60, 140, 150, 160], np.uint8)
    frames = np.broadcast_to(levels[:, None, None, None], (6, 32, 32, 3)).copy()
    compared = LabelledFrames(frames, levels > 100)
    same = Int8Comparison(bundle, compared).damage(toy_model())
    assert (same.auroc_drop, same.rank) == (0, pytest.approx(1))
    assert same.map_mean < 1e-6
    turned = onnx.load_from_string(toy_model())
    (largest,) = (entry for entry in turned.graph.initializer if entry.name == "largest")
    largest.float_data[:] = [-255.0]
    worse = Int8Comparison(bundle, compared).damage(turned.SerializeToString())
    assert (worse.auroc_drop, worse.rank) == (1, pytest.approx(-1))


def test_answers_that_are_no_numbers_are_refused(bundle, good, toy_model):
    compared = comparison_frames(bundle, sorted(good.iterdir()))
    with pytest.raises(ExportError, match="not all finite"):
        Int8Comparison(bundle, compared).damage(toy_model(offset=float("nan")))


def test_both_kinds_of_test_images_are_needed(bundle, good, tmp_path):
    assert labelled_test_frames(good, bundle.manifest.preprocessing) is None
    for kind in ("good", "hole"):
        shutil.copytree(good, tmp_path / "data/test" / kind)
    found = labelled_test_frames(tmp_path / "data", bundle.manifest.preprocessing)
    assert found.labels.tolist() == [False] * len(GOOD) + [True] * len(GOOD)


def test_too_few_images_for_a_threshold_are_refused(bundle, good):
    for path in sorted(good.iterdir())[5:]:
        path.unlink()
    with pytest.raises(DatasetError, match="too few for a threshold"):
        threshold_frames(bundle, good, 0.1)
