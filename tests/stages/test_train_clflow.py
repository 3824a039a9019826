"""CL-Flow's phases: what is counted, what is learned and what each switch leaves out."""

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.errors import ConfigError
from slsg_edge.models.backbones import Trunk
from slsg_edge.models.clflow.boxes import BOXES
from slsg_edge.models.clflow.descent import ClflowLoss, Projections
from slsg_edge.models.clflow.flow import Flow
from slsg_edge.models.clflow.network import ClflowSpec, Fusion, network_from_spec
from slsg_edge.models.clflow.settings import ClflowLossSettings, ClflowSettings, FlowTraining
from slsg_edge.models.clflow.statistics import GOOD_LOGIT, GOOD_SPREAD, FeatureMoments, ScoreMoments
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.stages.reference import trained_model
from slsg_edge.stages.train import train
from slsg_edge.training.device import TrainingDevice


@pytest.fixture
def settings() -> ClflowSettings:
    return ClflowSettings(
        holdout=0.0,
        model=ClflowSpec(layers=(2, 3), steps=2, hidden=0.25, score_pixels=20),
        preprocessing=Preprocessing(96, 96),
        training=FlowTraining(iterations=6, batch=3, warm_up=0.5),
    )


def _run(good_images, name, settings, resources, **options):
    path = good_images.parent / name
    train(good_images, path, settings, resources, command="", notify=lambda _: None, **options)
    return path


def _with_loss(settings, **loss):
    training = dataclasses.replace(settings.training, loss=ClflowLossSettings(**loss))
    return dataclasses.replace(settings, training=training)


def test_a_layer_of_noise_is_nothing_to_learn_a_likelihood_of(
    good_images, settings, resources, tmp_path
):
    torch.save(Trunk(depth=2).state_dict(), tmp_path / "part.pth")
    partial = dataclasses.replace(resources, backbone_weights=str(tmp_path / "part.pth"))
    with pytest.raises(ConfigError, match="nothing for layer3") as caught:
        _run(good_images, "a.slsg", settings, partial)
    assert "model.layers" in caught.value.fix


def test_spread_whitens_each_channel_and_place():
    torch.manual_seed(0)
    flow, spread = Flow((8, 4, 4), 2, 4, (3,)), FeatureMoments((8, 4, 4))
    scale, shift = torch.rand(8, 1, 1) + 0.5, torch.randn(8, 4, 4)
    for _ in range(20):
        spread.add(scale * torch.randn(50, 8, 4, 4) + shift)
    spread.normalise(flow)
    white = (scale * torch.randn(1000, 8, 4, 4) + shift) * flow.gain + flow.bias
    assert white.mean(0).abs().max() < 0.3
    assert ((white.std(0) - 1).abs() < 0.2).all()


def test_a_channel_that_good_images_never_use_is_not_blown_up():
    flow, spread = Flow((8, 2, 2), 2, 4, (3,)), FeatureMoments((8, 2, 2))
    spread.add(torch.zeros(10, 8, 2, 2))
    spread.normalise(flow)
    assert flow.gain.detach().max().item() == pytest.approx(10, rel=1e-4)


def test_scores_put_good_images_where_they_belong():
    scores, fusion = ScoreMoments(), Fusion(2)
    logits = torch.tensor([4.0, 5.0, 6.0])
    for part in logits.chunk(3):
        scores.add(part)
    scores.calibrate(fusion)
    found = fusion.calibrated(logits).detach()
    assert found.mean().item() == pytest.approx(GOOD_LOGIT, abs=1e-4)
    assert found.std(correction=0).item() == pytest.approx(GOOD_SPREAD, rel=1e-3)


def test_scores_that_hardly_differ_do_not_make_the_logit_a_cliff():
    scores, fusion = ScoreMoments(), Fusion(2)
    scores.add(torch.tensor([1.0, 1.0 + 1e-5]))
    scores.calibrate(fusion)
    strong = fusion.calibrated(1.0 + torch.tensor([800.0, 1000.0]).log() * fusion.weights().sum())
    first, second = torch.sigmoid(strong).tolist()
    assert first < second < 1


@pytest.mark.slow
def test_training_leaves_the_backbone_and_calibrates_the_logit(good_images, settings, resources):
    bundle = open_bundle(_run(good_images, "a.slsg", settings, resources))
    torch.manual_seed(settings.seed)
    untouched = Trunk(depth=3).state_dict()
    weights = load_file(bundle.file("weights.safetensors"))
    for name, tensor in untouched.items():
        assert torch.equal(weights[f"trunk.{name}"], tensor)
    assert not any("projection" in name for name in weights)
    frames = np.load(bundle.file("frames.npz"))["frames"]
    with torch.inference_mode():
        _, scores = trained_model(bundle)(torch.from_numpy(frames))
    good = torch.logit(scores[: len(frames) // 2])
    assert (good > GOOD_LOGIT - 3).all()
    assert (good < GOOD_LOGIT + 3).all()


def test_what_bfloat16_rounds_is_little(settings):
    """Only within the convolutions: z and determinant stay FP32."""
    torch.manual_seed(0)
    network = network_from_spec(settings.model, 96, 96).eval()
    for step in (step for flow in network.flows for step in flow.steps):
        torch.nn.init.normal_(step.second.weight, std=0.2)
    projections = Projections(network, 8)
    images = torch.randint(0, 256, (4, 96, 96, 3), dtype=torch.uint8)
    targets = torch.zeros(4, 1 + BOXES, 12, 12)
    targets[2:, :2, 2:6, 2:6] = 1
    whole, rounded = (
        ClflowLoss(
            network,
            projections,
            settings.training,
            TrainingDevice(torch.device("cpu"), 0, precision),
        )(images, targets, active=True)
        for precision in (torch.float32, torch.bfloat16)
    )
    for name, value in whole.items():
        assert rounded[name].dtype == torch.float32
        assert rounded[name].item() == pytest.approx(value.item(), abs=2e-3), name


def _weights(path):
    return (path / "weights.safetensors").read_bytes()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_each_loss_others(
    good_images, settings, resources
):
    found = [
        _weights(_run(good_images, f"{index}.slsg", variant, resources))
        for index, variant in enumerate(
            (
                settings,
                settings,
                _with_loss(settings, classification=0.0),
                _with_loss(settings, contrast=0.0),
                _with_loss(settings, classification=0.0, contrast=0.0),
            )
        )
    ]
    assert found[0] == found[1]
    assert len(set(found)) == 4


@pytest.mark.slow
def test_without_its_losses_no_anomaly_takes_part(good_images, settings, resources):
    """Then what is simulated is as good as not drawn: FastFlow."""
    alone = _with_loss(settings, classification=0.0, contrast=0.0)
    warm = dataclasses.replace(
        settings, training=dataclasses.replace(settings.training, warm_up=1.0)
    )
    first = load_file(_run(good_images, "a.slsg", alone, resources) / "weights.safetensors")
    second = load_file(_run(good_images, "b.slsg", warm, resources) / "weights.safetensors")
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [2, 5, 10])  # 2 count the spread, 6 learn, 2 count scores
def test_a_stopped_run_resumes_to_the_same_weights(
    good_images, settings, resources, stopped_after, steps
):
    whole = _weights(_run(good_images, "whole.slsg", settings, resources))
    with stopped_after(steps):
        _run(good_images, "parts.slsg", settings, resources)
    resumed = _run(good_images, "parts.slsg", settings, resources, resume=True)
    assert _weights(resumed) == whole
