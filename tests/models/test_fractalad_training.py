"""The losses against their formulas, who learns from which, and the choice of the mode."""

import dataclasses

import numpy as np
import pytest
import torch

from slsg_edge.errors import ConfigError
from slsg_edge.models.fractalad.losses import dice_loss, distillation_loss, segmentation_loss
from slsg_edge.models.fractalad.network import FractalSpec, aligned_share, network_from_spec
from slsg_edge.models.fractalad.recipe import FRACTALAD
from slsg_edge.models.fractalad.settings import FractalAdSettings, FractalTraining
from slsg_edge.models.fractalad.training import training_phase
from slsg_edge.models.recipe import TrainingInputs
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.synthesis.fractal_patches import FractalSimulator
from slsg_edge.synthesis.textures import ProceduralTextures
from slsg_edge.training.device import TrainingDevice, device_from_name

SIZE = Preprocessing(64, 64)
OBJECT = FractalAdSettings(model=FractalSpec(depth=2, mode="object"), preprocessing=SIZE)


def test_dice_is_its_formula():
    logits = torch.tensor([[0.0, 0.0], [2.0, -2.0]])
    mask = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    p = torch.sigmoid(logits).numpy()
    expected = 1 - (2 * (p * mask.numpy()).sum() + 1) / (p.sum() + 2 + 1)
    assert dice_loss(logits, mask).item() == pytest.approx(expected)


def test_segmentation_is_cross_entropy_and_dice_in_equal_parts():
    logits, mask = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
    expected = np.log(2) + 1 - (2 * 2 + 1) / (2 + 4 + 1)
    assert segmentation_loss(logits, mask).item() == pytest.approx(expected)


def test_certain_and_wrong_logits_stay_finite():
    logits = torch.full((1, 1, 4, 4), -200.0, requires_grad=True)
    segmentation_loss(logits, torch.ones(1, 1, 4, 4)).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_distillation_sums_over_levels():
    features = [torch.rand(1, 4, 3, 3), torch.rand(1, 8, 2, 2)]
    assert distillation_loss(features, features).item() == pytest.approx(0, abs=1e-6)
    opposite = [-feature for feature in features]
    assert distillation_loss(features, opposite).item() == pytest.approx(4)


def _stepped(settings, images, masks):
    """The network before and after one step, and the losses."""
    torch.manual_seed(0)
    network = network_from_spec(settings.model, SIZE.height, SIZE.width)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    phase = training_phase(network, None, settings, device_from_name("cpu", 0))
    losses = phase.step((images, masks))
    changed = {
        name.partition(".")[0]
        for name, value in network.named_parameters()
        if not torch.equal(value, before[name])
    }
    return changed, losses


@pytest.fixture
def batch():
    images = torch.from_numpy(
        np.random.default_rng(0).integers(0, 255, (4, 64, 64, 3), dtype=np.uint8)
    )
    masks = torch.zeros(4, 1, 64, 64)
    masks[2:, :, 10:30, 10:30] = 1
    return images, masks


@pytest.mark.slow
def test_student_and_head_learn_and_the_teacher_does_not(batch):
    changed, losses = _stepped(OBJECT, *batch)
    assert changed == {"student", "head"}
    total = losses["segmentation"] + losses["distillation"]
    assert losses["loss"].item() == pytest.approx(total.item())


def test_the_segmentation_never_reaches_the_student(batch):
    alone = dataclasses.replace(OBJECT, training=FractalTraining(distillation=0.0))
    assert _stepped(alone, *batch)[0] == {"head"}


def test_mixed_precision_keeps_the_losses(batch):
    torch.manual_seed(0)
    network = network_from_spec(OBJECT.model, SIZE.height, SIZE.width)
    mixed = TrainingDevice(torch.device("cpu"), 0, torch.bfloat16)
    losses = training_phase(network, None, OBJECT, mixed).step(batch)
    assert losses["loss"].dtype == torch.float32
    whole = _stepped(OBJECT, *batch)[1]
    assert losses["loss"].item() == pytest.approx(whole["loss"].item(), rel=0.02)


def test_a_texture_trains_its_head_alone(batch):
    texture = dataclasses.replace(OBJECT, model=FractalSpec(depth=2, mode="texture"))
    changed, losses = _stepped(texture, *batch)
    assert changed == {"head"}
    assert set(losses) == {"loss"}


def test_anomalies_are_no_example_for_the_student(batch):
    images, masks = batch
    other = images.clone()
    other[2:] = 255 - other[2:]
    first, second = (_stepped(OBJECT, each, masks)[1] for each in (images, other))
    assert first["distillation"] == second["distillation"]
    assert first["segmentation"] != second["segmentation"]


def test_it_learns_from_fractals_and_needs_no_textures():
    simulator = OBJECT.simulator(ProceduralTextures())
    assert isinstance(simulator, FractalSimulator)


@pytest.fixture
def product():
    """(N, 64, 64, 3): the same square in each, with noise."""
    frames = np.random.default_rng(0).integers(80, 110, (12, 64, 64, 3), dtype=np.uint8)
    frames[:, 20:44, 20:44] += 100
    return frames


@pytest.fixture
def texture():
    """(N, 64, 64, 3): blobs that are elsewhere in each."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (12, 8, 8, 3), dtype=np.uint8)
    return coarse.repeat(8, 1).repeat(8, 2)


def test_a_product_in_its_fixture_is_aligned_and_a_texture_is_not(product, texture):
    assert aligned_share(product) > 0.9
    assert abs(aligned_share(texture)) < 0.1


def test_images_without_any_variance_and_a_single_one_are_not_aligned():
    assert aligned_share(np.full((3, 64, 64, 3), 7, np.uint8)) == 0
    assert aligned_share(np.zeros((1, 64, 64, 3), np.uint8)) == 0


@pytest.mark.parametrize("kind", ["product", "texture"])
def test_the_mode_is_decided_by_the_images_and_said(kind, request):
    frames, said = request.getfixturevalue(kind), []
    auto = FractalAdSettings(preprocessing=SIZE)
    inputs = TrainingInputs(lambda count: frames[:count], layers=4)
    settings = FRACTALAD.resolved(auto, inputs, said.append)
    assert settings.model.mode == {"product": "object"}.get(kind, "texture")
    assert f"Mode {settings.model.mode}" in said[0]


def test_a_mode_that_was_asked_for_is_left_alone(texture):
    def never(count):
        raise AssertionError("no image is needed")

    assert FRACTALAD.resolved(OBJECT, TrainingInputs(never, layers=4), print) == OBJECT


@pytest.mark.parametrize(("layers", "depth"), [(4, 4), (3, 3), (1, 2)])
def test_the_depth_is_what_the_weights_have(product, layers, depth):
    said: list[str] = []
    inputs = TrainingInputs(lambda count: product, layers)
    assert FRACTALAD.resolved(FractalAdSettings(), inputs, said.append).model.depth == depth
    assert any(line.startswith("Depth ") for line in said) == (layers < 4)


def test_a_trial_is_short_on_a_cpu_alone():
    whole = FractalAdSettings()
    assert FRACTALAD.trial(whole, "cuda") == whole
    short = FRACTALAD.trial(whole, "cpu")
    assert (short.training.iterations, short.training.batch) == (60, 8)
    assert short.model == whole.model


@pytest.mark.parametrize(
    "values", [{"iterations": 0}, {"batch": 0}, {"distillation": -1.0}, {"learning_rate": 0.0}]
)
def test_training_that_makes_no_sense_is_refused(values):
    with pytest.raises(ConfigError, match=next(iter(values))):
        FractalTraining(**values)


def test_long_training_on_a_cpu_is_hinted_at():
    assert any("hours" in hint for hint in OBJECT.hints("cpu"))
    assert not list(OBJECT.hints("cuda"))
