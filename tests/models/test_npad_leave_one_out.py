"""Leaving images out of the statistics is fitting without them."""

from dataclasses import dataclass

import pytest
import torch

from slsg_edge.models.npad.bank import sub_banks_of
from slsg_edge.models.npad.distances import Gaussians, ImageGaussian
from slsg_edge.models.npad.fitted import (
    Clusters,
    fit_coarse,
    fit_gaussians,
    fit_whole,
    k_means,
    regularised,
    whitening,
)
from slsg_edge.models.npad.head import DistanceHead
from slsg_edge.models.npad.kept import Patches
from slsg_edge.models.npad.leave_one_out import LeaveOneOut, WhitenedCells
from slsg_edge.models.npad.shrinkage import Shrinkage
from slsg_edge.models.npad.spec import NpadSpec
from slsg_edge.models.npad.statistics import (
    Moments,
    PatchSample,
    means_and_covariances,
    neighbours,
)

ROWS, COLUMNS, CHANNELS, IMAGES = 4, 5, 6, 18
REGULARISATION = 1e-3
GROUPS = [[7], [0, 9, 17], list(range(0, IMAGES, 3))]


def random_patches(images=IMAGES, seed=0):
    """Of channels that vary together, around means that differ from cell to cell."""
    random = torch.Generator().manual_seed(seed)
    mixing = torch.randn(CHANNELS, CHANNELS, generator=torch.Generator().manual_seed(99))
    x = torch.randn(images, CHANNELS, ROWS, COLUMNS, generator=random)
    place = torch.randn(1, CHANNELS, ROWS, COLUMNS, generator=torch.Generator().manual_seed(98))
    return torch.einsum("cd,ndhw->nchw", mixing, x) + 3 * place


def gathered(patches):
    moments = Moments(ROWS * COLUMNS, CHANNELS)
    moments.add(patches.flatten(2).permute(2, 0, 1))
    return moments


def whitened(patches, side, rank, regularisation=REGULARISATION):
    moments = gathered(patches)
    means, covariances = means_and_covariances(moments, ROWS, COLUMNS, side)
    factor = whitening(regularised(covariances, regularisation))
    counts = float(moments.count) * neighbours(ROWS, COLUMNS, side)
    return WhitenedCells(factor, means, counts, side, rank)


def refitted(patches, group, side, rank, regularisation=REGULARISATION):
    """On the rest, in FP64; the regularisation stays the share of the scatter that it was."""
    rest = torch.tensor([i for i in range(len(patches)) if i not in group])
    scaled = regularisation * len(patches) / len(rest)
    gaussians = Gaussians(NpadSpec(channels=CHANNELS, rank=rank), ROWS * COLUMNS).double()
    fit_gaussians(
        gaussians, *means_and_covariances(gathered(patches[rest]), ROWS, COLUMNS, side), scaled
    )
    return lambda asked: gaussians(asked.double()).float()


@pytest.mark.parametrize("rank", [0, 4])
@pytest.mark.parametrize("side", [1, 3])
@pytest.mark.parametrize("group", GROUPS, ids=["one", "three", "a third"])
def test_gaussians_without_a_group_are_those_fitted_on_the_rest(group, side, rank):
    patches, strange = random_patches(), 5 * random_patches(4, seed=1)
    asked = torch.cat((patches[group], strange))
    found = whitened(patches, side, rank).distances(patches[group], asked)
    direct = refitted(patches, group, side, rank)(asked)
    torch.testing.assert_close(found, direct, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rank", [0, 4])
@pytest.mark.parametrize("side", [1, 3])
@pytest.mark.parametrize("group", GROUPS, ids=["one", "three", "a third"])
def test_images_of_another_light_that_are_left_out_break_nothing(group, side, rank):
    """They are nearly all that varies, and where they are not nothing does."""
    patches = 0.01 * random_patches()
    patches[group] += 30
    found = whitened(patches, side, rank).distances(patches[group], patches)
    direct = refitted(patches, group, side, rank)(patches)
    torch.testing.assert_close(found, direct, rtol=1e-4, atol=1e-4)


def test_leaving_out_makes_an_image_as_far_as_a_new_one_and_the_fit_does_not():
    patches = random_patches(60)
    inside = refitted(patches, [], 1, 0)(patches).mean()
    cells = whitened(patches, 1, 0)
    outside = torch.cat([cells.distances(one[None], one[None]) for one in patches]).mean()
    fresh = refitted(patches, [], 1, 0)(random_patches(500, seed=5)).mean()
    assert inside < 0.95 * fresh
    assert outside == pytest.approx(fresh.item(), rel=0.01)


def vectors_and_clusters(count=9, per_image=5):
    random = torch.Generator().manual_seed(3)
    vectors = torch.randn(IMAGES * per_image, CHANNELS, generator=random)
    return vectors, k_means(vectors, count, 6, seed=0)


@pytest.mark.parametrize("group", GROUPS, ids=["one", "three", "a third"])
def test_centroids_without_a_group_are_the_means_of_what_is_left(group):
    vectors, clusters = vectors_and_clusters()
    rows = torch.tensor([5 * image + i for image in group for i in range(5)])
    found, gone = clusters.without(rows, vectors[rows])
    left = torch.tensor([row for row in range(len(vectors)) if row not in rows.tolist()])
    for centroid in range(9):
        members = vectors[left][clusters.nearest[left] == centroid]
        assert bool(gone[centroid]) == (len(members) == 0)
        if len(members):
            torch.testing.assert_close(found[centroid], members.mean(0), rtol=1e-5, atol=1e-5)


def test_a_centroid_of_one_group_alone_vanishes_and_one_of_none_stays():
    vectors = torch.tensor([[0.0, 0.0], [0.2, 0.0], [9.0, 9.0], [9.0, 9.2]])
    centroids = torch.tensor([[0.1, 0.0], [9.0, 9.1], [5.0, 5.0]])
    clusters = Clusters(centroids, torch.tensor([2, 2, 0]), torch.tensor([0, 0, 1, 1]))
    found, gone = clusters.without(torch.tensor([2, 3]), vectors[2:])
    assert gone.tolist() == [False, True, False]
    torch.testing.assert_close(found[[0, 2]], centroids[[0, 2]])


@dataclass
class Fit:
    """A head's statistics, and all that they are from."""

    cells: torch.Tensor
    means: torch.Tensor
    one: LeaveOneOut


def fit_of(cells=None, whole=True, branches=()):
    spec = NpadSpec(
        channels=CHANNELS,
        centroids=9,
        whole=whole,
        branches=branches,
        bank=24,
        sub_banks=3,
        cells=2,
    )
    head = DistanceHead(spec, [20, 20], ROWS * spec.stride, COLUMNS * spec.stride)
    cells = random_patches() if cells is None else cells
    means = torch.randn(IMAGES, 40, generator=torch.Generator().manual_seed(4))
    moments, sample = Moments(1, 40), PatchSample(IMAGES, 90, CHANNELS, seed=1)
    moments.add(means[None])
    sample.add(cells)
    clusters = k_means(sample.vectors, 9, 6, seed=0)
    coarse, shrinkage, sub_banks = Moments(4, CHANNELS), Shrinkage(), []
    shrinkage.whole, shrinkage.coarse = torch.tensor([0.1]), torch.full((4,), 0.2)
    if head.coarse is not None:
        coarse.add(head.coarse.means_by_cell(cells))
    if head.bank is not None:
        sub_banks = sub_banks_of([[image] for image in range(IMAGES)], 3)
        for number, images in enumerate(sub_banks):
            vectors = cells[images].permute(0, 2, 3, 1).reshape(-1, CHANNELS)
            head.requires_grad_(False).bank.fit_whitening(
                torch.zeros(CHANNELS), torch.eye(CHANNELS), 1e-6
            )
            head.bank.fit_sub_bank(number, vectors, seed=0)
    one = LeaveOneOut(
        head, whitened(cells, 3, 0), moments, coarse, sample, clusters, shrinkage, sub_banks
    )
    return Fit(cells, means, one)


def distances_without(fit, group):
    own = Patches(fit.cells[group], fit.means[group])
    return fit.one.distances(group, own, own)


@pytest.mark.parametrize("group", GROUPS, ids=["one", "three", "a third"])
def test_the_whole_images_gaussian_is_fitted_without_them(group):
    fit = fit_of()
    _, found = distances_without(fit, group)
    rest = fit.means[[i for i in range(IMAGES) if i not in group]].double()
    direct = ImageGaussian(40).requires_grad_(False)
    fit_whole(direct, rest.mean(0), torch.cov(rest.T, correction=0), 0.1)
    torch.testing.assert_close(found, direct(fit.means[group]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("group", GROUPS, ids=["one", "three", "a third"])
def test_the_distance_to_centroids_is_to_those_that_are_left(group):
    fit = fit_of()
    found, _ = distances_without(fit, group)
    sample, clusters = fit.one.sample, fit.one.clusters
    rows = sample.rows_of(group)
    centroids, gone = clusters.without(rows, sample.vectors[rows])
    vectors = fit.cells[group].permute(0, 2, 3, 1).reshape(-1, CHANNELS)
    direct = torch.cdist(vectors, centroids[~gone]).amin(1) / CHANNELS**0.5
    torch.testing.assert_close(found[:, 1].flatten(), direct, rtol=1e-3, atol=1e-3)


def test_a_centroid_that_was_made_of_one_image_alone_is_not_near_it():
    strange = random_patches()
    strange[4] += 50
    fit = fit_of(strange)
    assert (fit.one.clusters.centroids > 40).any()
    own = Patches(fit.cells[[4]], fit.means[[4]])
    maps, _ = fit.one.distances([4], own, own)
    assert maps[:, 1].min() > 30


def test_rows_of_a_sample_are_the_patches_of_those_images():
    patches, sample = random_patches(), PatchSample(IMAGES, 90, CHANNELS, seed=1)
    for batch in torch.split(patches, 4):
        sample.add(batch)
    for image in (0, 5, 17):
        own = patches[image].flatten(1).T
        for vector in sample.vectors[sample.rows_of([image])]:
            assert (own == vector).all(1).any()


def test_without_the_whole_image_its_distance_is_nothing():
    _, found = distances_without(fit_of(whole=False), [2, 3])
    assert found.shape == (2, 0)


FUSED = ("gaussian", "bank", "cells", "whole")


def test_each_branch_has_its_place():
    maps, others = distances_without(fit_of(branches=FUSED), [2, 3])
    assert maps.shape == (2, 2, ROWS, COLUMNS)
    assert others.shape == (2, 2)


def test_the_bank_is_asked_without_the_sub_banks_of_those_left_out():
    fit = fit_of(branches=FUSED)
    maps, _ = distances_without(fit, [3, 5])  # of the sub-banks 0 and 2
    assert fit.one.sub_banks[1] == [1, 4, 7, 10, 13, 16]
    own = fit.cells[fit.one.sub_banks[1]].permute(0, 2, 3, 1).reshape(-1, CHANNELS)
    asked = fit.cells[[3, 5]].permute(0, 2, 3, 1).reshape(-1, CHANNELS)
    nearest = torch.cdist(asked, own).amin(1) / CHANNELS**0.5
    found = maps[:, 1].flatten()
    assert (found >= nearest - 1e-3).all()  # the bank keeps some of them
    assert found.min() > 0.05


@pytest.mark.parametrize("group", GROUPS, ids=["one", "three", "a third"])
def test_coarse_cells_without_a_group_are_those_fitted_on_the_rest(group):
    fit = fit_of(branches=FUSED)
    _, found = distances_without(fit, group)
    rest, moments = [i for i in range(IMAGES) if i not in group], Moments(4, CHANNELS)
    coarse = fit.one.head.coarse
    moments.add(coarse.means_by_cell(fit.cells[rest]))
    shares = torch.full((4,), 0.2)
    fit_coarse(coarse.gaussians, *means_and_covariances(moments, 1, 1, 1), shares)
    torch.testing.assert_close(found[:, :1], coarse(fit.cells[group]), rtol=1e-4, atol=1e-5)
