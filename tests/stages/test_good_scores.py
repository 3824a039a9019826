"""The scores of good images that training leaves: those of parts that nobody has seen."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.good_scores import good_scores_of
from slsg_edge.calibration.acquisitions import acquisition_notes
from slsg_edge.calibration.operating_points import AcquiredScore, threshold_at
from slsg_edge.data.contents import content_hash
from slsg_edge.demo.sample.specimen import draw, specimen
from slsg_edge.images import encode_image, read_image
from slsg_edge.models.npad.settings import NpadSettings, StatisticsSettings
from slsg_edge.models.npad.spec import DEFAULT_BRANCHES, NpadSpec
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.stages.reference import trained_model
from slsg_edge.stages.train import train

WEIGHTS = (
    Path(__file__).resolve().parents[3] / "shared/weights/resnet18_imagenet_to_layer3.safetensors"
)
SIDE = 64

pytestmark = pytest.mark.slow  # each training simulates its anomalies


@pytest.fixture
def settings():
    return NpadSettings(
        model=NpadSpec(channels=8, centroids=16),
        preprocessing=Preprocessing(SIDE, SIDE),
        training=StatisticsSettings(batch=2, sample=60),
    )


def run(images, name, settings, resources, **options):
    path = images.parent / name
    told = {"command": "slsg-edge train", "notify": lambda _: None}
    train(images, path, settings, resources, **told, **options)
    return open_bundle(path)


def scores_of(bundle, frames):
    model = trained_model(bundle)
    with torch.inference_mode():
        parts = np.array_split(np.stack(frames), -(-len(frames) // 50))
        return torch.cat([model(torch.from_numpy(part))[1] for part in parts]).tolist()


def test_each_image_that_was_learned_from_has_one_and_anomalies_do(
    good_images, settings, resources
):
    (good_images / "copy.png").write_bytes((good_images / "0.png").read_bytes())
    found = good_scores_of(run(good_images, "a.slsg", settings, resources))
    hashes = {content_hash(path) for path in good_images.iterdir()}
    assert len(found.good) == 6
    assert {each.image for each in found.good} == hashes
    assert {each.how for each in found.good} == {"left-out"}
    assert {each.kind for each in found.simulated} == {"structure", "texture", "fractal"}
    assert all(0 <= each.score <= 1 for each in (*found.good, *found.simulated))
    assert all(0 < each.share <= 1 for each in found.simulated)


def test_an_image_held_out_is_scored_by_the_network_that_ships(tmp_path, settings, resources):
    write(tmp_path / "good", parts(0, 16))
    settings = dataclasses.replace(settings, holdout=0.3)
    bundle = run(tmp_path / "good", "a.slsg", settings, resources)
    by_hash = {content_hash(path): path for path in (tmp_path / "good").iterdir()}
    found = good_scores_of(bundle).good
    held = [each for each in found if each.how == "held-out"]
    assert len(found) == 16
    assert 0 < len(held) < 10
    frames = [read_image(by_hash[each.image]) for each in held]
    assert [each.score for each in held] == pytest.approx(scores_of(bundle, frames), abs=1e-5)


@pytest.mark.parametrize(("steps", "rank"), [(5, 0), (4, 3)])  # 3 are the statistics
def test_a_run_that_was_stopped_while_leaving_out_gives_the_same_scores(
    good_images, settings, resources, stopped_after, steps, rank
):
    settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, rank=rank))
    whole = run(good_images, "whole.slsg", settings, resources)
    with stopped_after(steps):
        run(good_images, "parts.slsg", settings, resources)
    kept = {path.name for path in (good_images.parent / "parts.run").iterdir()}
    assert "scale.pt" in kept
    parts = run(good_images, "parts.slsg", settings, resources, resume=True)
    assert good_scores_of(parts) == good_scores_of(whole)


@pytest.fixture
def weights():
    if not WEIGHTS.exists():
        pytest.skip(f"{WEIGHTS} is not there: a backbone of noise has no scores worth comparing")
    return str(WEIGHTS)


def parts(first, count, light=1.0):
    for number in range(first, first + count):
        image, _ = draw(specimen(np.random.default_rng([7, number])), SIDE)
        yield np.rint(light * image).astype(np.uint8)


def told_apart(settings, resources, weights, branches=()):
    """With real weights and as few channels as tell good parts from each other."""
    model = NpadSpec(channels=16, centroids=64, branches=branches, bank=512, cells=2)
    training = StatisticsSettings(sample=4000)
    return (
        dataclasses.replace(settings, model=model, training=training),
        dataclasses.replace(resources, backbone_weights=weights),
    )


def write(folder, images):
    folder.mkdir(parents=True)
    for number, image in enumerate(images):
        (folder / f"{number:04}.png").write_bytes(encode_image(image))


@pytest.mark.parametrize("branches", [(), DEFAULT_BRANCHES], ids=["sum", "fused"])
def test_left_out_scores_are_those_of_new_parts_and_those_of_the_fit_are_not(
    tmp_path, settings, resources, weights, branches
):
    images = list(parts(0, 150))
    write(tmp_path / "good", images)
    settings, resources = told_apart(settings, resources, weights, branches)
    bundle = run(tmp_path / "good", "a.slsg", settings, resources)
    left_out = [each.score for each in good_scores_of(bundle).good]
    fresh = scores_of(bundle, list(parts(1000, 1000)))
    inside = scores_of(bundle, images)
    assert ks_2samp(left_out, fresh).pvalue > 0.01
    assert ks_2samp(inside, fresh).pvalue < 0.01


def test_two_lights_hold_their_rate_apart_and_one_alone_warns(
    tmp_path, settings, resources, weights
):
    lights = {"bright": 1.0, "dark": 0.6}
    for number, (name, light) in enumerate(lights.items()):
        write(tmp_path / "good" / name, parts(1000 * number, 60, light))
    settings, resources = told_apart(settings, resources, weights)
    bundle = run(tmp_path / "good", "a.slsg", settings, resources)
    good = [AcquiredScore(each.score, each.acquisition) for each in good_scores_of(bundle).good]
    assert {each.acquisition for each in good} == set(lights)
    found = threshold_at(good, 0.05)
    for light in lights.values():
        fresh = np.array(scores_of(bundle, list(parts(5000, 300, light))))
        rejected = (fresh > found.value).sum()
        # of 300 at 1 in 20, with what 60 images leave unknown of the threshold
        assert rejected <= 300 * (0.05 + 1.96 * np.sqrt(0.05 * 0.95 * (1 / 300 + 1 / 60)))
    alone = threshold_at([each for each in good if each.acquisition == "bright"], 0.05)
    assert "one occasion" in acquisition_notes(alone)[0]
    assert "one occasion" not in " ".join(acquisition_notes(found))
