"""Distances of good images by statistics that did not see them, without fitting anew for each.

A group of images is taken out of what the statistics came to: out of the Gaussians, the centroids
and the whole image's Gaussian. What is left is what a fit without the group would have given, but
for what one group hardly changes: where the centroids began, a reduction that is learned, and the
regularisation, which stays the share of the scatter that it was.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from slsg_edge.models.npad.coarse import CoarseCells
from slsg_edge.models.npad.distances import TINY, Gaussians, ImageGaussian
from slsg_edge.models.npad.fitted import Clusters, fit_coarse, fit_whole, low_rank
from slsg_edge.models.npad.head import DistanceHead
from slsg_edge.models.npad.kept import Patches
from slsg_edge.models.npad.shrinkage import Shrinkage
from slsg_edge.models.npad.spec import NpadSpec
from slsg_edge.models.npad.statistics import Moments, PatchSample, means_and_covariances

_LITTLE = 1e-6  # of the largest variance, for a direction that has none left
FAR = 1e6  # from a centroid that is gone


class WhitenedCells:
    """The Gaussian of each cell less the patches of some images.

    In coordinates where the cell's Gaussian is the unit one, u = W (x - m), the n - k patches
    that are left of n have the mean d = -sum(u) / (n - k) and the covariance
    (n I - sum(u u^T)) / (n - k) - d d^T. In FP64: images that are left out may be nearly all that
    varies, and then little is left.
    """

    def __init__(self, factor: Tensor, means: Tensor, counts: Tensor, side: int, rank: int) -> None:
        """factor: W (cells, D, D); means: m (cells, D); counts: n (cells,); side of the
        neighbourhood that a cell's patches are from; rank as in the spec."""
        self.factor, self.side, self.rank = factor.double(), side, rank
        self.offset = self.factor @ means.double()[..., None]
        self.counts = counts.double()[:, None, None]

    def distances(self, own: Tensor, asked: Tensor) -> Tensor:
        """(N, 1, h, w) of `asked` (N, D, h, w), without the images `own` (G, D, h, w)."""
        vectors, there = self._neighbours(own.double())
        taken = vectors.shape[2]
        both = self._whitened(torch.cat((vectors, _cell_by_cell(asked.double())), 2))
        u = both[..., :taken] * there
        left = self.counts - there.sum(2, keepdim=True)
        mean = -u.sum(2, keepdim=True) / left
        x = both[..., taken:] - mean
        squares = self._squares(x, torch.cat((u / left.sqrt(), mean), 2), self.counts / left)
        distance = (squares.float() / asked.shape[1]).clamp_min(TINY).sqrt()
        return distance.T.reshape(-1, 1, *asked.shape[2:])

    def _neighbours(self, own: Tensor) -> tuple[Tensor, Tensor]:
        """(cells, D, M) patches of the neighbourhoods, and (cells, 1, M): 0 beyond the border."""
        side, pad = self.side, self.side // 2
        images = len(own)

        def unfolded(maps: Tensor) -> Tensor:
            found = functional.unfold(maps, side, padding=pad)
            return found.reshape(len(maps), -1, side * side, found.shape[2])

        vectors = unfolded(own).permute(3, 1, 0, 2).flatten(2)
        there = unfolded(own.new_ones(1, 1, *own.shape[2:])).permute(3, 1, 0, 2)
        return vectors, there.expand(-1, -1, images, -1).flatten(2)

    def _whitened(self, vectors: Tensor) -> Tensor:
        """`vectors` (cells, D, M) lie in memory as they are indexed: products of others are
        slower by more than an order."""
        return torch.baddbmm(self.offset, self.factor, vectors, beta=-1)

    def _squares(self, x: Tensor, taken: Tensor, grown: Tensor) -> Tensor:
        """(cells, N) squared Mahalanobis distances of x (cells, D, N), of the covariance
        a I - V V^T with V `taken` (cells, D, M) and a `grown` (cells, 1, 1)."""
        if self.rank or taken.shape[2] >= x.shape[1]:
            covariance = grown * _unit(x.shape[1]) - taken @ taken.mT
            return self._squares_of_rank(x, covariance) if self.rank else _solved(covariance, x)
        # Woodbury's identity: M is small where one image is left out, and D is not
        gram = grown * _unit(taken.shape[2]) - taken.mT @ taken
        return (x.square().sum(1) + _solved(gram, taken.mT @ x)) / grown[:, 0]

    def _squares_of_rank(self, x: Tensor, covariance: Tensor) -> Tensor:
        """Back to where the directions that are kept were chosen."""
        lower = torch.linalg.inv(self.factor)
        x, covariance = lower @ x, lower @ covariance @ lower.mT
        factor, residual = low_rank(covariance, self.rank)
        return (x.square().sum(1) - (factor @ x).square().sum(1)) / residual


def _cell_by_cell(maps: Tensor) -> Tensor:
    """(N, D, h, w) to (cells, D, N)."""
    return maps.flatten(2).permute(2, 1, 0)


def _unit(size: int) -> Tensor:
    return torch.eye(size, dtype=torch.float64)


def _solved(matrix: Tensor, x: Tensor) -> Tensor:
    """x^T A^-1 x, (cells, N), of A (cells, M, M) and x (cells, M, N)."""
    lower, failed = torch.linalg.cholesky_ex(matrix)
    if failed.any():  # what was left out is nearly all that varies
        size = matrix.diagonal(dim1=1, dim2=2).abs().amax(1).clamp_min(1)[:, None, None]
        lower, _ = torch.linalg.cholesky_ex(matrix + _LITTLE * size * _unit(matrix.shape[1]))
    solved: Tensor = torch.linalg.solve_triangular(lower, x, upper=False)
    return solved.square().sum(1)


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """Distances of a fitted head's kind, without some of the images that it was fitted on.

    cells, means, coarse, sample, clusters: what the head was fitted from. shrinkage: how far each
    correlation was shrunk. sub_banks: the images of each.
    """

    head: DistanceHead
    cells: WhitenedCells
    means: Moments
    coarse: Moments
    sample: PatchSample
    clusters: Clusters
    shrinkage: Shrinkage
    sub_banks: Sequence[Sequence[int]]

    def distances(
        self, images: Sequence[int], own: Patches, asked: Patches
    ) -> tuple[Tensor, Tensor]:
        """Of the cells (N, M, h, w) and of the image (N, S), of what is `asked`: each distance that
        the head has, in its order.

        images: the numbers of those left out, whose patches are `own`.
        """
        with _one_thread():
            maps = torch.cat(list(self._of_cells(images, own, asked)), 1)
            others = list(self._of_images(own, asked))
            return maps, torch.cat(others, 1) if others else maps.new_zeros(len(maps), 0)

    def _of_cells(self, images: Sequence[int], own: Patches, asked: Patches) -> Iterator[Tensor]:
        if self.head.gaussians is not None:
            yield self.cells.distances(own.cells, asked.cells)
        if self.head.centroids is not None:
            yield self._to_centroids(images, asked.cells)
        if self.head.bank is not None:
            sub_banks, place = self._sub_banks_with(images), self.head.rows.device
            yield self.head.bank.without(sub_banks, asked.cells.to(place)).cpu()

    def _of_images(self, own: Patches, asked: Patches) -> Iterator[Tensor]:
        if self.head.coarse is not None:
            yield self._coarse(self.head.coarse, own.cells, asked.cells)
        if self.head.whole is not None:
            yield self._whole(own.means, asked.means)

    def _sub_banks_with(self, images: Sequence[int]) -> list[int]:
        return [
            number for number, own in enumerate(self.sub_banks) if not set(own).isdisjoint(images)
        ]

    def _to_centroids(self, images: Sequence[int], cells: Tensor) -> Tensor:
        rows = self.sample.rows_of(images)
        centroids, gone = self.clusters.without(rows, self.sample.vectors[rows])
        bias = (centroids * centroids).sum(1) + FAR * gone
        products = functional.conv2d(cells, -2 * centroids[..., None, None], bias)
        squares = (cells * cells).sum(1, keepdim=True) + products.amin(1, keepdim=True)
        return (squares / cells.shape[1]).clamp_min(TINY).sqrt()

    def _coarse(self, coarse: CoarseCells, own: Tensor, asked: Tensor) -> Tensor:
        rest = self.coarse.without(coarse.means_by_cell(own))
        gaussians = Gaussians(NpadSpec(channels=self.head.spec.channels), len(rest.first))
        fit_coarse(gaussians, *means_and_covariances(rest, 1, 1, 1), self.shrinkage.coarse)
        return coarse.largest(gaussians(coarse.means(asked.to(coarse.rows.device)).cpu()))

    def _whole(self, own: Tensor, asked: Tensor) -> Tensor:
        (mean,), (covariance,) = means_and_covariances(self.means.without(own[None]), 1, 1, 1)
        whole = ImageGaussian(self.head.features).requires_grad_(False)
        fit_whole(whole, mean, covariance, float(self.shrinkage.whole))
        distance: Tensor = whole(asked)
        return distance


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Thousands of small matrices: beside a process that draws batches, threads would wait for
    each other at every one of them, for longer than the work takes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def folds_of(groups: Sequence[int], most: int | None) -> list[list[int]]:
    """The images of each group, ascending; at most so many folds, of whole groups, where given.

    Where all images are one group, nothing would be left without it: then each is a fold.
    """
    members: dict[int, list[int]] = {}
    for image, group in enumerate(groups):
        members.setdefault(group, []).append(image)
    folds = list(members.values()) if len(members) > 1 else [[one] for one in range(len(groups))]
    if most is None or len(folds) <= most:
        return folds
    return [sorted(image for fold in folds[first::most] for image in fold) for first in range(most)]
