"""What is gathered in one pass, and what it comes to: against the definitions, one by one."""

import numpy as np
import pytest
import torch

from slsg_edge.models.npad.distances import Centroids, Gaussians, ImageGaussian
from slsg_edge.models.npad.fitted import (
    fit_centroids,
    fit_gaussians,
    fit_whole,
    k_means,
    low_rank,
    whitening,
)
from slsg_edge.models.npad.reduction import learned_reduction, reduction
from slsg_edge.models.npad.spec import NpadSpec
from slsg_edge.models.npad.statistics import Moments, PatchSample, means_and_covariances

ROWS, COLUMNS, CHANNELS = 4, 5, 3


def _patches(images=6):
    return torch.randn(images, CHANNELS, ROWS, COLUMNS, generator=torch.Generator().manual_seed(0))


def _gathered(patches):
    moments = Moments(ROWS * COLUMNS, CHANNELS)
    for batch in torch.split(patches, 4):
        moments.add(batch.flatten(2).permute(2, 0, 1))
    return moments


@pytest.mark.parametrize("side", [1, 3, 5])
def test_a_cell_counts_the_neighbours_that_are_there(side):
    patches, reach = _patches(), side // 2
    means, covariances = means_and_covariances(_gathered(patches), ROWS, COLUMNS, side)
    for row, column in [(0, 0), (1, 3), (3, 4)]:
        around = patches[
            :,
            :,
            max(0, row - reach) : row + reach + 1,
            max(0, column - reach) : column + reach + 1,
        ]
        vectors = around.permute(0, 2, 3, 1).reshape(-1, CHANNELS).numpy()
        cell = row * COLUMNS + column
        np.testing.assert_allclose(means[cell], vectors.mean(0), atol=1e-5)
        np.testing.assert_allclose(covariances[cell], np.cov(vectors.T, bias=True), atol=1e-5)


def _positive(channels=CHANNELS, cells=ROWS * COLUMNS):
    half = torch.randn(cells, channels, 2 * channels, generator=torch.Generator().manual_seed(1))
    return (half @ half.transpose(1, 2)).double()


@pytest.mark.parametrize("rank", [0, CHANNELS - 1])  # one direction less leaves nothing to average
def test_gaussians_give_the_mahalanobis_distance(rank):
    patches, covariances = _patches(2), _positive()
    means = torch.randn(ROWS * COLUMNS, CHANNELS).double()
    gaussians = Gaussians(NpadSpec(channels=CHANNELS, rank=rank), ROWS * COLUMNS)
    fit_gaussians(gaussians, means, covariances.clone(), 0.1)
    inverse = torch.linalg.inv(covariances + 0.1 * torch.eye(CHANNELS))
    off = patches.flatten(2).permute(0, 2, 1).double() - means
    direct = torch.einsum("ncd,cde,nce->nc", off, inverse, off) / CHANNELS
    given = gaussians(patches).flatten(1).double()
    torch.testing.assert_close(given, direct.sqrt(), rtol=1e-3, atol=1e-4)


def test_whitening_makes_the_covariance_the_identity():
    covariances = _positive()
    factor = whitening(covariances)
    unit = torch.eye(CHANNELS, dtype=torch.float64).expand_as(covariances)
    torch.testing.assert_close(factor @ covariances @ factor.transpose(1, 2), unit)


def test_low_rank_lets_the_small_directions_share_their_variance():
    factor, residual = low_rank(torch.diag(torch.tensor([9.0, 4.0, 1.0, 3.0]))[None], 2)
    precision = (torch.eye(4) - factor[0].T @ factor[0]) / residual[0]
    torch.testing.assert_close(precision.diagonal(), 1 / torch.tensor([9.0, 4.0, 2.0, 2.0]))


def test_centroids_give_the_distance_to_the_nearest():
    patches, found = _patches(2), torch.randn(7, CHANNELS)
    centroids = Centroids(NpadSpec(channels=CHANNELS, centroids=7)).requires_grad_(False)
    fit_centroids(centroids, found)
    vectors = patches.permute(0, 2, 3, 1).reshape(-1, CHANNELS)
    direct = torch.cdist(vectors, found).amin(1).reshape(2, 1, ROWS, COLUMNS)
    torch.testing.assert_close(centroids(patches), direct / CHANNELS**0.5, rtol=1e-3, atol=1e-3)


def test_the_whole_image_is_whitened_too():
    means = torch.randn(50, CHANNELS).double() * torch.tensor([1.0, 5.0, 0.1]).double()
    whole = ImageGaussian(CHANNELS).requires_grad_(False)
    fit_whole(whole, means.mean(0), torch.cov(means.T), 0.0)
    squares = whole(means.float()) ** 2
    assert squares.mean().item() == pytest.approx(1, rel=0.05)


def test_k_means_finds_clusters_and_repeats_itself():
    random = torch.Generator().manual_seed(0)
    centres = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    vectors = centres.repeat(40, 1) + 0.1 * torch.randn(120, 2, generator=random)
    found = k_means(vectors, 3, 5, seed=4).centroids
    assert torch.cdist(centres, found).amin(1).max() < 0.1
    assert torch.equal(found, k_means(vectors, 3, 5, seed=4).centroids)


def test_more_centroids_than_kinds_of_patches_do_no_harm():
    found = k_means(torch.ones(30, 2), 8, 3, seed=0).centroids
    assert torch.equal(found, torch.ones(8, 2))


def test_a_sample_takes_evenly_from_all_images_and_goes_on_after_a_stop():
    patches = _patches(4)
    whole, first, second = (PatchSample(4, 20, CHANNELS, seed=2) for _ in range(3))
    whole.add(patches)
    first.add(patches[:1])
    second.load_state_dict(first.state_dict())
    second.add(patches[1:])
    assert torch.equal(whole.vectors, second.vectors)
    assert len(whole.vectors) == 20
    assert (whole.vectors != 0).all()


def test_a_projection_keeps_directions_apart_and_depends_on_the_seed():
    matrix = reduction("projection", 20, 6, seed=0)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(6))
    assert not torch.equal(matrix, reduction("projection", 20, 6, seed=1))


def test_chance_picks_features():
    matrix = reduction("random", 20, 6, seed=0)
    assert torch.equal(matrix.sum(1), torch.ones(6))
    assert matrix.sum(0).max() == 1


def test_learned_reductions_take_what_varies_most():
    covariance = torch.diag(torch.tensor([1.0, 7.0, 3.0, 5.0]))
    assert torch.equal(learned_reduction("variance", covariance, 2), torch.eye(4)[[1, 3]])
    principal = learned_reduction("pca", covariance, 2).abs()
    torch.testing.assert_close(principal, torch.eye(4)[[3, 1]])


def test_what_varies_little_around_a_large_mean_is_not_drowned():
    moments = Moments(1, 1)
    values = 100 + 1e-3 * torch.randn(1, 500, 1, generator=torch.Generator().manual_seed(0))
    moments.add(values)
    _, covariance = means_and_covariances(moments, 1, 1, 1)
    assert covariance.item() == pytest.approx(values.double().var().item(), rel=0.01)
