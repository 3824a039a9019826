"""Attention, alignment, head, modes: the parts of FractalAD, and what they must never do."""

import dataclasses

import pytest
import torch
from torch.nn import functional

from slsg_edge.errors import ConfigError
from slsg_edge.models.fractalad.head import FlowAlignment
from slsg_edge.models.fractalad.network import (
    CosineAttention,
    FractalSpec,
    cosine,
    network_from_spec,
)

SMALL = (64, 64)


def _network(size=SMALL, **spec):
    torch.manual_seed(0)
    return network_from_spec(FractalSpec(**{"depth": 3, **spec}), *size)


def _millions(module):
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


def test_the_cosine_is_torchs():
    taught, learned = torch.randn(2, 3, 16, 4, 5)
    expected = functional.cosine_similarity(taught, learned, dim=1)[:, None]
    torch.testing.assert_close(cosine(taught, learned), expected)


def test_features_of_nothing_have_no_direction_and_half_the_attention():
    zero, ones = torch.zeros(1, 8, 2, 2), torch.ones(1, 8, 2, 2)
    assert (cosine(zero, ones) == 0).all()
    assert (CosineAttention()(zero, ones) == 0.5).all()


def test_the_cosine_of_half_floats_does_not_overflow():
    large = torch.full((1, 512, 2, 2), 300.0, dtype=torch.float16)
    assert cosine(large, large).mean().item() == pytest.approx(1)


def test_what_the_student_knows_is_hidden_from_the_head():
    features = torch.rand(1, 8, 4, 4)
    attention = CosineAttention()
    assert attention(2 * features, features).abs().max() < 1e-6
    torch.testing.assert_close(attention(-features, features), features)


def test_without_offsets_alignment_changes_nothing():
    alignment = FlowAlignment(4, 6)
    torch.nn.init.zeros_(alignment.offsets.weight)
    coarse = torch.randn(2, 64, 4, 6)
    torch.testing.assert_close(alignment(coarse, torch.randn(2, 64, 8, 12)), coarse)


def test_offsets_are_pixels_of_the_coarse_map():
    alignment = FlowAlignment(4, 6)
    torch.nn.init.zeros_(alignment.offsets.weight)
    alignment.base += alignment.step * torch.tensor((1.0, 0.0))
    coarse = torch.randn(1, 64, 4, 6)
    moved = alignment(coarse, torch.zeros(1, 64, 8, 12))
    torch.testing.assert_close(moved[..., :-1], coarse[..., 1:])
    assert moved[..., -1].abs().max() < 1e-5  # beyond the border there is nothing


@pytest.mark.parametrize(
    ("spec", "millions"),
    [({}, 22.7), ({"mode": "texture"}, 11.5), ({"head": "fpn"}, 22.7)],
)
def test_it_is_as_large_as_the_papers(spec, millions):
    network = _network((256, 256), depth=4, **spec)
    assert _millions(network) == pytest.approx(millions, abs=0.05)
    assert _millions(network.head) == pytest.approx(0.33, abs=0.01)


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("head", ["fam", "fpn"])
@pytest.mark.parametrize("mode", ["object", "texture"])
def test_every_build_gives_logits_of_the_images_size(depth, head, mode):
    network = _network((64, 128), depth=depth, head=head, mode=mode).eval()
    (logits,) = network(torch.randn(2, 3, 64, 128))
    assert logits.shape == (2, 1, 64, 128)
    assert torch.isfinite(logits).all()


def test_the_teacher_stays_as_it_was_in_training_too():
    network = _network().train()
    before = {name: value.clone() for name, value in network.teacher.state_dict().items()}
    network(torch.randn(2, 3, 64, 64))[0].mean().backward()
    assert not network.teacher.training
    assert network.student is not None
    assert network.student.training
    assert all(parameter.grad is None for parameter in network.teacher.parameters())
    after = network.teacher.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_texture_needs_no_student():
    network = _network(mode="texture")
    assert network.student is None
    torch.testing.assert_close(
        network.eval().seen(torch.ones(1, 3, 64, 64))[0],
        network.teacher(torch.ones(1, 3, 64, 64))[0],
    )


@pytest.mark.parametrize("pixels", [0, 100])
def test_the_score_is_the_papers_mean_or_of_the_largest_pixels(pixels):
    assert _network(score_pixels=pixels).score_pixels == (pixels or None)


@pytest.mark.parametrize("spec", [{"depth": 1}, {"depth": 5}, {"score_pixels": -1}])
def test_specs_that_make_no_sense_are_refused(spec):
    with pytest.raises(ConfigError, match=next(iter(spec))):
        FractalSpec(**spec)


def test_a_resolution_that_the_strides_do_not_divide_names_the_next_step():
    with pytest.raises(ConfigError, match="100x128") as caught:
        _network((100, 128))
    assert "multiples of 16" in caught.value.fix
    with pytest.raises(ConfigError, match="score_pixels"):
        _network(score_pixels=64 * 64 + 1)


def test_the_backbone_may_be_another():
    spec = dataclasses.replace(FractalSpec(), backbone="resnet50", depth=2)
    network = network_from_spec(spec, *SMALL).eval()
    assert network(torch.zeros(1, 3, 64, 64))[0].shape == (1, 1, 64, 64)
