"""Which images N-pad leaves out together, and the batches that they come in."""

import numpy as np
import pytest
import torch

from slsg_edge.models.npad.leave_one_out import folds_of
from slsg_edge.models.npad.left_out_batches import Entry, LeftOutBatches
from slsg_edge.synthesis.simulated import SimulatedSet


class TestFolds:
    """What is left out together."""

    def test_each_image_is_in_one_and_a_group_in_the_same(self):
        groups = [0, 1, 1, 2, 0, 3, 4, 4, 4, 5]
        assert folds_of(groups, None) == [[0, 4], [1, 2], [3], [5], [6, 7, 8], [9]]

    @pytest.mark.parametrize("most", [1, 2, 4, 5, 50])
    def test_fewer_folds_are_of_whole_groups(self, most):
        groups = np.random.default_rng(0).integers(0, 23, 70).tolist()
        folds = folds_of(groups, most)
        assert len(folds) == min(most, len(set(groups)))
        assert sorted(image for fold in folds for image in fold) == list(range(70))
        assert all(fold == sorted(fold) for fold in folds)
        for group in set(groups):
            assert sum(any(groups[i] == group for i in fold) for fold in folds) == 1

    def test_no_images_make_no_folds(self):
        assert folds_of([], None) == folds_of([], 20) == []


class Spot:
    """An anomaly of one white pixel at a random place."""

    def anomalous(self, rng, image, other):
        mask = np.zeros(image.shape[:2], bool)
        mask[tuple(rng.integers(0, 8, 2))] = True
        return np.where(mask[..., None], 255, image).astype(np.uint8), mask


class TestBatches:
    """Fold by fold."""

    FOLDS = ([0], [1, 4], [2], [3, 5, 6, 7, 8], [9], [10], [11])

    def source(self, batch=4):
        images = np.arange(12, dtype=np.uint8)[:, None, None, None]
        images = np.broadcast_to(images, (12, 8, 8, 3)).copy()
        return LeftOutBatches(
            SimulatedSet(images, {"texture": Spot()}, wanted=17), self.FOLDS, batch
        )

    def test_folds_are_packed_until_a_batch_is_full_and_none_is_split(self):
        assert [[list(fold) for fold in batch] for batch in self.source().folds] == [
            [[0], [1, 4], [2]],
            [[3, 5, 6, 7, 8]],
            [[9], [10], [11]],
        ]
        assert len(self.source(1)) == len(self.FOLDS)
        assert len(self.source(100)) == 1

    def test_every_image_and_every_anomaly_comes_once_and_good_ones_first(self):
        source = self.source()
        entries = source.all_entries()
        assert sorted(e.image for e in entries if e.anomaly is None) == list(range(12))
        assert sorted(e.anomaly for e in entries if e.anomaly is not None) == list(range(17))
        for fold in self.FOLDS:
            first = source.entries(fold)[: len(fold)]
            assert first == [Entry(image) for image in fold]

    def test_frames_and_shares_are_those_of_the_entries(self):
        source = self.source()
        frames, shares = (
            torch.cat(parts) for parts in zip(*map(source.__getitem__, range(3)), strict=True)
        )
        entries = source.all_entries()
        assert shares.tolist() == [0 if e.anomaly is None else 1 / 64 for e in entries]
        anomalous = [entry for entry in entries if entry.anomaly is not None]
        for entry, frame in zip(anomalous, frames, strict=True):
            assert (frame != entry.image).any(2).float().mean() == 1 / 64

    def test_folds_without_an_anomaly_give_no_frames(self):
        images = np.zeros((12, 8, 8, 3), np.uint8)
        source = LeftOutBatches(SimulatedSet(images, {"texture": Spot()}, wanted=1), self.FOLDS, 1)
        frames, shares = source[3]
        assert frames.shape == (0, 8, 8, 3)
        assert shares.tolist() == [0.0] * 5

    def test_a_batch_is_the_same_whenever_it_is_asked_for(self):
        first, again = self.source()[1], self.source()[1]
        assert torch.equal(first[0], again[0])
        assert torch.equal(first[1], again[1])
