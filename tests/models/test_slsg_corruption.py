"""Stage 1's pairs: what is corrupted, and that nothing else is."""

import numpy as np
import pytest
import torch

from slsg_edge.models.slsg.corruption import MASK_GREY, CorruptionBatches, corrupt
from slsg_edge.models.slsg.settings import PretrainSettings
from slsg_edge.training.frames import StoredFrames


@pytest.fixture
def frames(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (5, 96, 96, 3), dtype=np.uint8)
    np.save(tmp_path / "frames.npy", pictures)
    return StoredFrames(tmp_path / "frames.npy")


def test_pretraining_pairs_are_corrupted_and_clean(frames):
    corrupted, clean = CorruptionBatches(frames, PretrainSettings(batch=2), seed=0)[0]
    assert corrupted.shape == clean.shape == (2, 96, 96, 3)
    assert not torch.equal(corrupted, clean)


def _corrupted(task):
    image = np.random.default_rng(0).integers(0, 100, (96, 96, 3), dtype=np.uint8)
    settings = PretrainSettings(task=task, shuffle_grids=(4,))
    return image, corrupt(np.random.default_rng(1), image, settings)


def test_shuffling_only_moves_cells():
    image, moved = _corrupted("shuffle")
    assert np.array_equal(np.sort(moved, None), np.sort(image, None))
    assert not np.array_equal(moved, image)


def test_masking_greys_cells_out_and_leaves_the_others():
    image, masked = _corrupted("mask")
    grey = (masked == MASK_GREY).all(-1)
    assert 0.2 < grey.mean() < 0.7
    assert np.array_equal(masked[~grey], image[~grey])
