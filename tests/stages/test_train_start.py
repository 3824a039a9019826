"""What a training says and settles before its first step."""

import dataclasses

import pytest
from training_runs import run_training

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.errors import ConfigError
from slsg_edge.models.backbones import Trunk
from slsg_edge.models.fractalad.network import FractalSpec
from slsg_edge.models.fractalad.settings import FractalAdSettings, FractalTraining
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.synthesis.settings import SynthesisSettings
from slsg_edge.training.settings import usable_resources


@pytest.mark.slow
def test_what_stays_random_is_said(good_images, settings, resources, tmp_path):
    import torch

    torch.save(Trunk(depth=2).state_dict(), tmp_path / "part.pth")
    partial = dataclasses.replace(resources, backbone_weights=str(tmp_path / "part.pth"))
    _, said = run_training(good_images, "a.slsg", settings, partial)
    assert any("no backbone weights for layer3" in line for line in said)


@pytest.mark.slow
def test_a_detector_that_never_trains_its_backbone_wants_all_of_it(
    good_images, settings, resources, tmp_path
):
    import torch

    torch.save(Trunk(depth=2).state_dict(), tmp_path / "part.pth")
    partial = dataclasses.replace(resources, backbone_weights=str(tmp_path / "part.pth"))
    with pytest.raises(ConfigError, match="nothing for layer3") as caught:
        run_training(good_images, "a.slsg", _fractal(depth=3), partial)
    assert "model.depth" in caught.value.fix
    _, said = run_training(good_images, "b.slsg", _fractal(), partial)
    assert "Depth 2: the backbone weights have no more layers." in said
    assert open_bundle(good_images.parent / "b.slsg").manifest.spec["depth"] == 2


def _fractal(**spec):
    return FractalAdSettings(
        holdout=0.0,
        model=FractalSpec(**spec),
        preprocessing=Preprocessing(64, 64),
        training=FractalTraining(iterations=2, batch=2),
    )


@pytest.mark.slow
def test_what_is_left_to_the_images_is_settled_said_and_kept(good_images, resources):
    first, said = run_training(good_images, "a.slsg", _fractal(depth=2), resources)
    assert any(line.startswith("Mode object: ") for line in said)
    bundle = open_bundle(good_images.parent / "a.slsg")
    assert bundle.manifest.spec["mode"] == "object"
    assert bundle.manifest.stages["train"].settings["model"]["mode"] == "object"
    asked, said = run_training(good_images, "b.slsg", _fractal(depth=2, mode="object"), resources)
    assert not any("Mode" in line for line in said)
    assert asked == first


@pytest.mark.slow
def test_an_encoder_that_never_learns_is_warned_about(good_images, settings, resources):
    alone = dataclasses.replace(
        settings, pretraining=dataclasses.replace(settings.pretraining, task="none")
    )
    _, said = run_training(good_images, "a.slsg", alone, resources)
    assert any("never trained" in line for line in said)


def test_texture_photos_that_nothing_is_drawn_from_are_refused(good_images, settings, resources):
    photos = dataclasses.replace(resources, textures=good_images)
    structure = SynthesisSettings(structure_probability=1.0)
    for taking_none in (_fractal(), dataclasses.replace(settings, synthesis=structure)):
        with pytest.raises(ConfigError, match="--textures has no effect"):
            run_training(good_images, "a.slsg", taking_none, photos)
        assert usable_resources(photos, taking_none) == resources
    assert usable_resources(photos, settings) == photos
