"""Batches are a function of seed and number, whoever draws them."""

import numpy as np
import pytest
import torch

from slsg_edge.synthesis.anomalies import AnomalySimulator
from slsg_edge.synthesis.settings import SynthesisSettings
from slsg_edge.synthesis.textures import ProceduralTextures
from slsg_edge.training.feed import EpochOrder, PairBatches, batches
from slsg_edge.training.frames import StoredFrames


@pytest.fixture
def frames(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (5, 96, 96, 3), dtype=np.uint8)
    np.save(tmp_path / "frames.npy", pictures)
    return StoredFrames(tmp_path / "frames.npy")


@pytest.fixture
def pairs(frames):
    return PairBatches(
        frames, AnomalySimulator(SynthesisSettings(), ProceduralTextures()), seed=3, batch=2
    )


def test_each_epoch_shows_every_image_once():
    draw = EpochOrder(seed=0, images=6, batch=4)
    shown = [draw.index(iteration, place) for iteration in range(3) for place in range(4)]
    assert sorted(shown[:6]) == sorted(shown[6:]) == list(range(6))
    assert shown[:6] != shown[6:]


def test_the_order_of_an_epoch_is_drawn_once_and_is_the_same_as_ever(monkeypatch):
    drawn = []
    generator = np.random.default_rng

    def counting(seed):
        drawn.append(tuple(seed))
        return generator(seed)

    draw = EpochOrder(seed=17, images=10, batch=4)
    with monkeypatch.context() as patch:
        patch.setattr(np.random, "default_rng", counting)
        shown = [draw.index(iteration, place) for iteration in range(5) for place in range(4)]
    assert drawn == [(1, 17, 0), (1, 17, 1)]
    order = [int(image) for epoch in (0, 1) for image in generator([1, 17, epoch]).permutation(10)]
    assert shown == order


def test_half_a_batch_is_normal_with_empty_masks(pairs):
    images, masks = pairs[0]
    assert images.shape == (4, 96, 96, 3)
    assert images.dtype == torch.uint8
    assert not masks[:2].any()
    assert masks[2:].flatten(1).any(1).all()


def test_anomalous_images_are_the_normal_ones_outside_the_mask(pairs):
    images, masks = pairs[1]
    outside = masks[2:, 0] == 0
    assert torch.equal(images[:2][outside], images[2:][outside])


@pytest.mark.slow
def test_worker_processes_give_the_same_batches_from_any_start(pairs):
    here = list(batches(pairs, 2, 5, workers=0))
    there = list(batches(pairs, 2, 5, workers=2))
    for first, second in zip(here, there, strict=True):
        assert torch.equal(first[0], second[0])
        assert torch.equal(first[1], second[1])
    assert torch.equal(here[0][0], pairs[2][0])
