"""`train --folds`: scores of good images by trainings that did not see them."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from training_runs import run_training

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.good_scores import good_scores_of
from slsg_edge.data.contents import content_hash
from slsg_edge.demo.sample.specimen import draw, specimen
from slsg_edge.errors import ConfigError
from slsg_edge.images import encode_image, read_image
from slsg_edge.models.clflow.settings import ClflowSettings
from slsg_edge.models.fractalad.settings import FractalAdSettings
from slsg_edge.models.npad.settings import NpadSettings
from slsg_edge.models.slsg.settings import PretrainSettings, StageTwoSettings
from slsg_edge.stages.reference import trained_model
from slsg_edge.stages.settings import settings_of_run
from slsg_edge.training.folds import folds_of

WEIGHTS = (
    Path(__file__).resolve().parents[3] / "shared/weights/resnet18_imagenet_to_layer3.safetensors"
)
SIDE = 96


@pytest.fixture
def short(settings):
    """Without a first stage: 4 steps."""
    return dataclasses.replace(settings, pretraining=PretrainSettings(task="none"))


@pytest.fixture
def folded(short):
    return dataclasses.replace(short, folds=3)


def left_behind(images, name):
    return good_scores_of(open_bundle(images.parent / name))


def scores_of(path, frames):
    with torch.inference_mode():
        return trained_model(open_bundle(path))(torch.from_numpy(np.stack(frames)))[1].tolist()


@pytest.mark.slow
def test_what_ships_has_learned_from_all_and_each_score_is_of_one_that_has_not(
    good_images, tmp_path, short, folded, resources
):
    weights, said = run_training(good_images, "a.slsg", folded, resources)
    plain, _ = run_training(good_images, "plain.slsg", short, resources)
    assert weights == plain
    found = left_behind(good_images, "a.slsg")
    paths = sorted(good_images.iterdir())
    by_image = {each.image: each.score for each in found.good}
    assert by_image.keys() == {content_hash(path) for path in paths}
    assert {each.how for each in found.good} == {"left-out"}
    assert found.folds == 3
    assert {each.kind for each in found.simulated} == {"structure", "texture", "fractal"}
    first = said.index("6 images to train on, 0 held out, cpu.")
    assert any("3 more trainings" in line for line in said[:first])
    assert any("67 % of the images" in line for line in said[:first])
    # a training that never had the fold's files gives the same scores
    out = folds_of(range(6), 3, folded.seed)[1]
    rest = tmp_path / "rest"
    rest.mkdir()
    for index in set(range(6)) - set(out):
        (rest / paths[index].name).write_bytes(paths[index].read_bytes())
    run_training(rest, "rest.slsg", short, resources)
    alone = scores_of(tmp_path / "rest.slsg", [read_image(paths[index]) for index in out])
    kept = [by_image[content_hash(paths[index])] for index in out]
    assert kept == pytest.approx(alone, abs=1e-6)
    assert kept != pytest.approx(
        scores_of(tmp_path / "a.slsg", [read_image(paths[i]) for i in out]), abs=1e-6
    )


@pytest.mark.slow
def test_a_run_that_is_stopped_in_a_fold_goes_on_to_the_same_scores(
    good_images, folded, resources, stopped_after
):
    whole, _ = run_training(good_images, "whole.slsg", folded, resources)
    with stopped_after(4 + 6):  # the second step of the second fold's training
        run_training(good_images, "parts.slsg", folded, resources)
    assert not (good_images.parent / "parts.slsg").exists()
    kept = {path.stem for path in (good_images.parent / "parts.run").glob("*.pt")}
    assert kept == {"training", "scores of fold 1 of 3", "training, fold 2 of 3"}
    parts, said = run_training(good_images, "parts.slsg", folded, resources, resume=True)
    assert parts == whole
    assert left_behind(good_images, "parts.slsg") == left_behind(good_images, "whole.slsg")
    assert not [line for line in said if line.startswith("fold 1 of")]
    assert not list((good_images.parent / "parts.run").glob("*.pt"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [FractalAdSettings, ClflowSettings])
def test_every_detector_that_learns_by_descent_takes_folds(good_images, short, resources, kind):
    settings = kind(preprocessing=short.preprocessing, folds=3)
    training = dataclasses.replace(settings.training, iterations=2, batch=2)
    settings = dataclasses.replace(settings, training=training)
    resources = dataclasses.replace(resources, backbone_weights="none")
    run_training(good_images, "a.slsg", settings, resources)
    assert len(left_behind(good_images, "a.slsg").left_out) == 6


def test_npad_needs_none_and_one_is_none():
    with pytest.raises(ConfigError, match="leaves out each good image by itself"):
        settings_of_run("npad", [], {"folds": 3})
    with pytest.raises(ConfigError, match="folds is 1"):
        settings_of_run("slsg", [], {"folds": 1})
    with pytest.raises(ConfigError, match="holdout has no effect"):
        settings_of_run("slsg", [], {"folds": 3, "holdout": 0.1})
    assert settings_of_run("slsg", [], {"folds": 3}).held_out == 0
    assert NpadSettings().folds == 0


def parts(first, count):
    for number in range(first, first + count):
        image, _ = draw(specimen(np.random.default_rng([7, number])), SIDE)
        yield np.asarray(image, np.uint8)


@pytest.mark.slow
def test_scores_of_folds_are_those_of_new_parts(tmp_path, short, resources):
    if not WEIGHTS.exists():
        pytest.skip(f"{WEIGHTS} is not there: a backbone of noise has no scores worth comparing")
    folder = tmp_path / "good"
    folder.mkdir()
    for number, image in enumerate(parts(0, 30)):
        (folder / f"{number:04}.png").write_bytes(encode_image(image))
    training = StageTwoSettings(iterations=40, batch=2, encoder_batch_norm="frozen")
    settings = dataclasses.replace(short, training=training, folds=5)
    resources = dataclasses.replace(resources, backbone_weights=str(WEIGHTS))
    run_training(folder, "a.slsg", settings, resources)
    left_out = [each.score for each in left_behind(folder, "a.slsg").good]
    fresh = scores_of(tmp_path / "a.slsg", list(parts(1000, 60)))
    assert ks_2samp(left_out, fresh).pvalue > 0.01
