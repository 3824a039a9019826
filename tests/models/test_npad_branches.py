"""N-pad's branches: a bank, coarse cells, and the smallest p-value of several distances."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import norm
from sklearn.covariance import ledoit_wolf_shrinkage
from torch.nn import functional

from slsg_edge.errors import ConfigError
from slsg_edge.models.npad.bank import Bank, spread_out, sub_banks_of
from slsg_edge.models.npad.coarse import CoarseCells, averaging
from slsg_edge.models.npad.evidence import Evidence
from slsg_edge.models.npad.fitted import fit_coarse, ledoit_wolf
from slsg_edge.models.npad.fused_scale import best_branches, choices
from slsg_edge.models.npad.network import network_from_spec
from slsg_edge.models.npad.settings import NpadSettings
from slsg_edge.models.npad.shrinkage import FourthMoments
from slsg_edge.models.npad.spec import NpadSpec
from slsg_edge.models.npad.statistics import Moments, means_and_covariances
from slsg_edge.models.registry import network_of
from slsg_edge.models.scored import PixelsToScore
from slsg_edge.preprocessing import Preprocessing

SPEC = NpadSpec(
    channels=6,
    centroids=16,
    branches=("whole", "gaussian", "bank", "cells"),
    bank=40,
    sub_banks=4,
    cells=2,
)


def vectors(count, size=6, seed=0):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


class TestSpec:
    """What may be fused."""

    def test_maps_come_first_and_the_whole_image_only_where_it_is_asked_for(self):
        assert SPEC.fused == ("gaussian", "bank", "whole", "cells")
        assert dataclasses.replace(SPEC, whole=False).fused == ("gaussian", "bank", "cells")

    @pytest.mark.parametrize("combine", ["sum", "mahalanobis", "euclidean"])
    def test_another_combination_is_the_sum_of_before(self, combine):
        assert dataclasses.replace(SPEC, combine=combine).fused == ()

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"branches": ("whole", "cells")}, "gaussian, centroids, bank for the map"),
            ({"branches": ("bank", "bank")}, "each once"),
            ({"sub_banks": 1}, "sub_banks is 1"),
            ({"bank": 4, "sub_banks": 5}, "bank is 4"),
            ({"cells": 0}, "cells is 0"),
        ],
    )
    def test_what_cannot_be_is_refused(self, wrong, said):
        with pytest.raises(ConfigError, match=said) as caught:
            NpadSpec(**wrong)
        assert said in f"{caught.value} {caught.value.fix}"

    def test_a_training_fuses_by_default_and_a_bundle_that_says_nothing_does_not(self):
        assert NpadSettings().model.fused
        before = dataclasses.asdict(dataclasses.replace(SPEC, branches=()))
        for key in ("branches", "bank", "sub_banks", "cells"):
            del before[key]
        before["layers"] = list(before["layers"])
        network = network_of("npad", before, Preprocessing(64, 64))
        held = {name for name in network.state_dict() if name.startswith("head.")}
        assert {name.split(".")[1] for name in held} == {
            "reduction", "gaussians", "centroids", "whole", "centre", "spread", "mixing"
        }  # fmt: skip
        assert not network.scores_images


def test_the_networks_own_score_is_what_counts_and_the_map_is_beside_it():
    network = network_from_spec(SPEC, 64, 64).eval()
    network.head.whole.whitening.weight.copy_(torch.eye(network.head.features))
    frames = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        anomaly_map, score = PixelsToScore(network)(frames)
        network.head.evidence.centre[2] = -50  # the whole image's, in the order that is fused
        found, moved = PixelsToScore(network)(frames)
    assert anomaly_map.shape == (2, 64, 64)
    assert score.shape == (2,)
    assert torch.equal(found, anomaly_map)
    assert (moved > score).all()
    assert ((score > 0) & (score < 1)).all()


class TestBank:
    """The nearest patch of other images."""

    @pytest.fixture
    def bank(self):
        bank = Bank(SPEC).requires_grad_(False)
        patches = vectors(400) @ torch.diag(torch.tensor([9.0, 5, 1, 1, 0.5, 0.1]))
        bank.fit_whitening(patches.mean(0), torch.cov(patches.T), 1e-6)
        for number, own in enumerate(torch.chunk(patches, 4)):
            bank.fit_sub_bank(number, own, seed=number)
        return bank

    def kept(self, bank, sub_banks):
        points = -bank.products.weight[:, :, 0, 0] / 2
        return torch.cat([points[n * bank.size : (n + 1) * bank.size] for n in sub_banks])

    def nearest(self, bank, sub_banks, patches):
        x = bank.whitening(patches).permute(0, 2, 3, 1).reshape(-1, 6)
        return torch.cdist(x, self.kept(bank, sub_banks)).amin(1) / 6**0.5

    def test_the_distance_is_to_the_nearest_of_all(self, bank):
        patches = vectors(60, seed=3).reshape(2, 5, 6, 6).permute(0, 3, 1, 2)
        found = bank(patches)
        assert found.shape == (2, 1, 5, 6)
        direct = self.nearest(bank, range(4), patches)
        torch.testing.assert_close(found.flatten(), direct, rtol=1e-3, atol=2e-3)

    def test_without_some_it_is_to_the_nearest_of_the_others(self, bank):
        patches = vectors(60, seed=3).reshape(2, 5, 6, 6).permute(0, 3, 1, 2)
        direct = self.nearest(bank, [1, 3], patches)
        found = bank.without([0, 2], patches).flatten()
        torch.testing.assert_close(found, direct, rtol=1e-3, atol=2e-3)
        assert (found >= bank(patches).flatten() - 1e-3).all()

    def test_directions_count_alike_however_much_good_patches_vary(self, bank):
        kept = self.kept(bank, range(4))
        assert kept.std(0).max() < 2 * kept.std(0).min()

    def test_each_patch_that_is_chosen_is_the_farthest_from_those_before(self):
        points, chosen = vectors(50), spread_out(vectors(50), 8, seed=2)
        for number in range(1, 8):
            distances = torch.cdist(points, chosen[:number]).amin(1)
            torch.testing.assert_close(
                torch.cdist(chosen[number : number + 1], chosen[:number]).amin(),
                distances.max(),
            )

    def test_fewer_patches_than_are_kept_come_again(self):
        assert len(spread_out(vectors(3), 10, seed=0)) == 10

    def test_whole_folds_make_sub_banks_in_turns(self):
        assert sub_banks_of([[0, 1], [2], [3], [4, 5], [6]], 3) == [[0, 1, 4, 5], [2, 6], [3]]

    def test_fewer_folds_than_sub_banks_come_again(self):
        assert sub_banks_of([[0, 1], [2]], 5) == [[0, 1], [2], [0, 1], [2], [0, 1]]


class TestShrinkage:
    """As Ledoit and Wolf have it."""

    @pytest.mark.parametrize(("count", "size"), [(30, 5), (20, 40), (500, 8)])
    def test_it_is_what_scikit_learn_finds(self, count, size):
        x = (vectors(count, size) @ vectors(size, size, seed=1)).double() + 5
        moments = Moments(1, size)
        moments.add(x[None])
        fourth = FourthMoments(moments)
        for part in torch.split(x, 7):
            fourth.add(part[None])
        z = ((x - x.mean(0)) / x.std(0, correction=0)).numpy()
        expected = ledoit_wolf_shrinkage(z, assume_centered=True)
        assert fourth.share(None).item() == pytest.approx(expected, rel=1e-6)
        assert fourth.share(0.3).tolist() == [0.3]

    def test_it_is_a_share_whatever_varies(self):
        assert ledoit_wolf(torch.zeros(1, 3, 3).double(), torch.zeros(1), 5).item() == 0


class TestCoarse:
    """Means over large cells."""

    def test_each_cell_is_the_mean_of_its_part(self):
        coarse, patches = CoarseCells(SPEC, (8, 8)), torch.rand(3, 6, 8, 8)
        torch.testing.assert_close(coarse.means(patches), functional.avg_pool2d(patches, 4))
        assert coarse(patches).shape == (3, 1)

    def test_cells_that_are_cut_count_by_their_part(self):
        torch.testing.assert_close(
            averaging(3, 2), torch.tensor([[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]])
        )

    def test_the_largest_distance_counts(self):
        coarse, moments = CoarseCells(SPEC, (8, 8)), Moments(4, 6)
        patches = torch.rand(80, 6, 8, 8, generator=torch.Generator().manual_seed(0))
        moments.add(coarse.means_by_cell(patches))
        shares = torch.full((4,), 0.2)
        fit_coarse(coarse.gaussians, *means_and_covariances(moments, 1, 1, 1), shares)
        strange = patches[:1].clone()
        strange[:, :, 4:, :4] += 0.5
        means = coarse.means(strange)[0, :, 1, 0].numpy()
        cell = coarse.means(patches)[:, :, 1, 0].numpy()
        covariance = np.cov(cell.T, bias=True)
        covariance = 0.8 * covariance + 0.2 * np.diag(covariance.diagonal())
        off = means - cell.mean(0)
        expected = (off @ np.linalg.solve(covariance, off) / 6) ** 0.5
        assert coarse(strange).item() == pytest.approx(expected, rel=1e-3)
        assert coarse(patches).max() < expected


class TestEvidence:
    """The smallest p-value."""

    @pytest.fixture
    def evidence(self):
        evidence = Evidence(("gaussian", "bank", "whole"))
        evidence.centre[:3] = torch.tensor([1.0, 20, 300])
        evidence.spread[:3] = torch.tensor([1.0, 2, 100])
        return evidence

    def test_the_fused_value_is_that_of_the_smallest_p_value(self, evidence):
        distances = torch.tensor([[2.0, 20, 300], [1, 27, 400], [0, 16, 350]])
        z = norm.isf(norm.sf((distances - evidence.centre[:3]) / evidence.spread[:3]).min(1))
        torch.testing.assert_close(
            evidence(distances)[:, 0], torch.from_numpy(z).float(), rtol=1e-4, atol=1e-4
        )

    def test_a_branch_that_is_shut_says_nothing(self, evidence):
        evidence.open(("gaussian", "whole"))
        assert evidence.opened == ("gaussian", "whole")
        assert evidence(torch.tensor([[2.0, 1e5, 300]])).item() == pytest.approx(1)
        cells = evidence.map(torch.tensor([3.0, 1e5]).reshape(1, 2, 1, 1))
        assert cells.item() == pytest.approx(2)

    def test_what_a_pair_of_alike_good_images_scatters_by_is_not_nothing(self, evidence):
        evidence.set_scale(1, torch.full((5,), 20.0))
        assert evidence.spread[1] > 0


class TestChoice:
    """Which branches are open, by simulated anomalies."""

    BRANCHES = ("gaussian", "bank", "whole", "cells")

    def chosen(self, **seen):
        """By z of 100 good images and of 40 anomalies, which the named branches see."""
        random = torch.Generator().manual_seed(1)
        distances = torch.randn(140, 4, generator=random)
        for branch, strength in seen.items():
            distances[100:, self.BRANCHES.index(branch)] += strength
        good = torch.arange(140) < 100
        cells = [torch.arange(100, 120), torch.arange(120, 140)]
        return best_branches(Evidence(self.BRANCHES), distances, good, cells)

    def test_what_sees_the_anomalies_is_open_and_what_does_not_is_shut(self):
        assert set(self.chosen(bank=3)) == {"bank", "whole"}
        assert set(self.chosen(gaussian=3)) == {"gaussian", "whole"}

    def test_the_whole_images_stays_though_no_simulation_needs_it(self):
        assert "whole" in self.chosen(gaussian=9)

    def test_two_that_see_different_ones_are_both_open(self):
        random = torch.Generator().manual_seed(1)
        distances = torch.randn(140, 4, generator=random)
        distances[100:120, 0] += 5
        distances[120:, 1] += 5
        good = torch.arange(140) < 100
        cells = [torch.arange(100, 120), torch.arange(120, 140)]
        found = best_branches(Evidence(self.BRANCHES), distances, good, cells)
        assert {"gaussian", "bank"} <= set(found)
        assert "cells" not in found

    def test_a_map_is_never_without_a_branch(self):
        assert not set(self.chosen(cells=9)).isdisjoint({"gaussian", "bank"})
        assert len(list(choices(self.BRANCHES))) == 6
