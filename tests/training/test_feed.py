"""Batches are a function of seed and number, whoever draws them."""

import numpy as np
import pytest
import torch

from slsg_edge.synthesis.anomalies import AnomalySimulator
from slsg_edge.synthesis.settings import SynthesisSettings
from slsg_edge.synthesis.textures import ProceduralTextures
from slsg_edge.training.feed import Draw, PairBatches, batches
from slsg_edge.training.frames import store_frames


@pytest.fixture
def frames(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (5, 96, 96, 3), dtype=np.uint8)
    return store_frames(tmp_path / "frames.npy", pictures)


@pytest.fixture
def pairs(frames):
    return PairBatches(
        frames, AnomalySimulator(SynthesisSettings(), ProceduralTextures()), seed=3, batch=2
    )


def test_each_epoch_shows_every_image_once():
    draw = Draw(seed=0, images=6, batch=4)
    shown = [draw.index(iteration, place) for iteration in range(3) for place in range(4)]
    assert sorted(shown[:6]) == sorted(shown[6:]) == list(range(6))
    assert shown[:6] != shown[6:]


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
