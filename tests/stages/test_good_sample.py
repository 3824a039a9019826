"""`calibrate` from the scores that training left and from folders, however bad these are."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from bundles import with_file

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.good_scores import GoodScore, GoodScores, good_scores_file
from slsg_edge.bundle.plan import GOOD_SCORES_FILE
from slsg_edge.bundle.thresholds import threshold_of
from slsg_edge.calibration.operating_points import chosen_of
from slsg_edge.contracts import SimulatedScore
from slsg_edge.data.contents import content_hash
from slsg_edge.errors import ConfigError, DatasetError, UntrustedBundle
from slsg_edge.stages import good_sample as room
from slsg_edge.stages.threshold import Choice, calibrate

STORED = Path(__file__).resolve().parent.parent / "stored"
COMMAND = "slsg-edge calibrate {bundle}"


def kept(scores, days=(), anomaly=0.9):
    names = [*days, *[""] * (len(scores) - len(days))]
    good = [
        GoodScore(f"{i:064}", float(score), "left-out", names[i]) for i, score in enumerate(scores)
    ]
    anomalies = [SimulatedScore("texture", 0.05, anomaly) for _ in range(6)]
    return GoodScores(tuple(good), tuple(anomalies))


@pytest.fixture
def bundle_with(toy_bundle):
    def make(scores, *options):
        content = good_scores_file(kept(scores, *options))
        return with_file(open_bundle(toy_bundle), GOOD_SCORES_FILE, content)

    return make


def manifest(bundle):
    return (bundle.path / "manifest.json").read_bytes()


def draw(folder, levels):
    """Pictures of one grey each, which is their score."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, level in enumerate(levels):
        image = np.full((40, 40, 3), level, np.uint8)
        image[0, 0] = number // 256, number % 256 % max(1, level), 0
        cv2.imwrite(str(folder / f"{number:04}.png"), image)
    return folder


def spread(count):
    return np.random.default_rng(0).uniform(0.05, 0.3, count)


@pytest.mark.parametrize(("count", "rate"), [(8, 0.112), (12, 0.077), (20, 0.05), (199, 0.02)])
def test_what_training_left_is_enough_for_what_it_shows(bundle_with, count, rate):
    done = calibrate(bundle_with(spread(count)), None, command=COMMAND)
    assert (done.threshold.method, done.threshold.false_alarm_rate) == ("conformal", rate)
    assert (done.threshold.left_out, len(done.threshold.images)) == (count, count)
    assert f"the {count} good images of the training" in done.notes[0]
    assert threshold_of(open_bundle(done.bundle.path)) == done.threshold


@pytest.mark.parametrize("count", [1, 7])
def test_too_few_are_an_error_that_changes_nothing(bundle_with, count):
    bundle = bundle_with(spread(count))
    before = manifest(bundle)
    with pytest.raises(DatasetError, match=rf"{count} good images are too few.*at least 8"):
        calibrate(bundle, None, command=COMMAND)
    assert manifest(bundle) == before


@pytest.mark.parametrize("scores", [[0.0] * 30, [0.2] * 30, [0.2, *[0.2 + 1e-9] * 29]])
@pytest.mark.parametrize("rate", [None, 0.001])
def test_good_images_that_are_alike_give_a_threshold_that_rejects_none_of_them(
    bundle_with, scores, rate
):
    done = calibrate(bundle_with(scores), None, Choice(rate), command=COMMAND)
    assert max(scores) <= done.threshold.value < 0.9
    assert chosen_of(done.threshold).threshold == done.threshold.value


def test_ties_at_zero_keep_the_rate(bundle_with):
    scores = [*[0.0] * 90, *spread(10)]
    done = calibrate(bundle_with(scores), None, Choice(0.05), command=COMMAND)
    assert sum(score > done.threshold.value for score in scores) <= 5


def test_a_day_of_three_images_is_told_of_and_lost_by_nobody(bundle_with):
    days = ["monday"] * 40 + ["tuesday"] * 3
    done = calibrate(bundle_with([*spread(40), 0.5, 0.6, 0.7], days), None, command=COMMAND)
    assert {name: len(some) for name, some in done.threshold.acquisitions.items()} == {
        "monday": 40,
        "tuesday": 3,
    }
    assert any("Fewer than 19 images" in note and "tuesday" in note for note in done.notes)
    assert threshold_of(open_bundle(done.bundle.path)) == done.threshold


@pytest.mark.parametrize("bad", [float("nan"), -0.1, 1.5])
def test_a_score_that_is_none_is_an_error_that_changes_nothing(bundle_with, bad):
    bundle = bundle_with([*spread(30), bad])
    before = manifest(bundle)
    with pytest.raises((DatasetError, UntrustedBundle), match="train again"):
        calibrate(bundle, None, command=COMMAND)
    assert manifest(bundle) == before


def test_a_bad_score_of_a_simulated_anomaly_is_one_too(toy_bundle, monkeypatch, tmp_path):
    """As of a graph in FP16 that overflows on what is bright."""
    broken = (SimulatedScore("texture", 0.1, float("nan")),)
    monkeypatch.setattr(room, "simulated_scores", lambda *_: broken)
    bundle = open_bundle(toy_bundle)
    before = manifest(bundle)
    with pytest.raises(DatasetError, match="1 of 1 scores"):
        calibrate(bundle, draw(tmp_path / "good", range(20, 60)), command=COMMAND)
    assert manifest(bundle) == before


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, float("nan")])
def test_a_rate_that_is_none_is_refused_before_anything_is_scored(
    bundle_with, monkeypatch, tmp_path, rate
):
    monkeypatch.setattr(room, "scores_of", lambda *_: pytest.fail("scored"))
    bundle = bundle_with(spread(30))
    for images in (None, draw(tmp_path / "good", range(20, 60))):
        with pytest.raises(ConfigError, match="between 0 and 1"):
            calibrate(bundle, images, Choice(rate), command=COMMAND)


def test_new_images_join_those_of_the_training_or_take_their_place(bundle_with, tmp_path):
    bundle = bundle_with(spread(30))
    folder = draw(tmp_path / "tuesday", range(20, 60))
    joined = calibrate(bundle, folder, command=COMMAND)
    assert (len(joined.threshold.good_scores), joined.threshold.left_out) == (70, 30)
    assert "40 new good images join 30 of the training" in " ".join(joined.notes)
    alone = calibrate(joined.bundle, folder, Choice(replaced=True), command=COMMAND)
    assert (len(alone.threshold.good_scores), alone.threshold.left_out) == (40, 0)


def test_images_that_were_learned_from_count_by_their_left_out_scores(toy_bundle, tmp_path):
    folder = draw(tmp_path / "good", range(20, 60))
    left_out = {content_hash(path): 0.8 for path in sorted(folder.iterdir())[:15]}
    scores = GoodScores(tuple(GoodScore(image, s, "left-out") for image, s in left_out.items()))
    bundle = with_file(open_bundle(toy_bundle), GOOD_SCORES_FILE, good_scores_file(scores))
    done = calibrate(bundle, folder, Choice(replaced=True), command=COMMAND)
    assert done.threshold.good_scores.count(0.8) == 15
    assert (len(done.threshold.good_scores), done.threshold.left_out) == (40, 15)


@pytest.mark.parametrize("images", [True, False])
def test_a_threshold_by_hand_says_and_keeps_what_is_known_of_days(bundle_with, tmp_path, images):
    days = ["monday"] * 40 + ["tuesday"] * 40
    bundle = bundle_with(spread(80), days)
    if images:
        folder = draw(tmp_path / "good", range(20, 30))
        done = calibrate(bundle, folder, Choice(by_hand=0.4), command=COMMAND)
        assert not any("one occasion" in note for note in done.notes)
    else:
        found = calibrate(bundle, None, command=COMMAND)
        done = calibrate(found.bundle, None, Choice(by_hand=0.4), command=COMMAND)
        assert done.threshold.good_scores == found.threshold.good_scores
    assert (done.threshold.method, done.threshold.value) == ("manual", 0.4)
    assert done.threshold.acquisitions.keys() >= {"monday", "tuesday"}
    assert done.threshold.simulated
    assert done.threshold.points
    assert chosen_of(done.threshold) is None
    assert done.threshold.left_out == 80
    assert threshold_of(open_bundle(done.bundle.path)) == done.threshold


class TestOfBefore:
    """A bundle of an earlier version, which holds no scores of good images."""

    @pytest.fixture(params=["0.1", "0.2"])
    def bundle(self, request, tmp_path):
        return open_bundle(shutil.copytree(STORED / f"{request.param}.slsg", tmp_path / "a.slsg"))

    def test_without_images_it_says_what_to_do_and_keeps_its_threshold(self, bundle):
        before, old = manifest(bundle), threshold_of(bundle)
        with pytest.raises(ConfigError, match=r"earlier version.*Give --images DIR"):
            calibrate(bundle, None, command=COMMAND)
        assert manifest(bundle) == before
        assert threshold_of(open_bundle(bundle.path)) == old
        assert not old.points

    def test_with_images_it_gets_one_of_the_new_kind(self, bundle, tmp_path):
        folder = draw(tmp_path / "good", range(20, 50))
        done = calibrate(bundle, folder, command=COMMAND)
        assert (len(done.threshold.good_scores), done.threshold.left_out) == (30, 0)
        assert done.threshold.simulated
        assert threshold_of(open_bundle(bundle.path)) == done.threshold
        assert json.loads(manifest(bundle))["threshold"]["points"]

    @pytest.mark.parametrize("count", [0, 3, 7])
    def test_too_few_images_change_nothing(self, bundle, tmp_path, count):
        before = manifest(bundle)
        with pytest.raises(DatasetError):
            calibrate(bundle, draw(tmp_path / "good", range(20, 20 + count)), command=COMMAND)
        assert manifest(bundle) == before


@pytest.mark.parametrize(
    ("held_out", "said"),
    [
        (0, "training, each scored by a training without its fold, of 5 folds."),
        (
            4,
            "training, 4 of them held out and the rest, each scored by a training without its fold",
        ),
    ],
)
def test_scores_of_folds_are_said_to_be_such(toy_bundle, held_out, said):
    scores = kept(spread(40))
    good = [
        replace(each, how="held-out") if place < held_out else each
        for place, each in enumerate(scores.good)
    ]
    content = good_scores_file(replace(scores, good=tuple(good), folds=5))
    bundle = with_file(open_bundle(toy_bundle), GOOD_SCORES_FILE, content)
    sample = room.good_sample(bundle, None, "onnxruntime-fp32")
    assert said in sample.notes[0]
