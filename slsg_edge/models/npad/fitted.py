"""The head's constants from statistics: whitening, centroids and reductions. Knows no images."""

from collections.abc import Mapping

import torch
from torch import Tensor

from slsg_edge.models.npad.distances import Centroids, Gaussians, ImageGaussian

CHUNK = 4096  # patches whose distances are in memory at once


def fit_gaussians(
    gaussians: Gaussians, means: Tensor, covariances: Tensor, regularisation: float
) -> None:
    """From (cells, D) and (cells, D, D); the latter are changed."""
    covariances = regularised(covariances, regularisation)
    if gaussians.rank:
        factor, residual = low_rank(covariances, gaussians.rank)
        gaussians.mean.copy_(means[..., None])
        gaussians.residual.copy_(residual)
    else:
        factor = whitening(covariances)
    gaussians.factor.copy_(factor)
    gaussians.offset.copy_(factor @ means[..., None])


def regularised(covariances: Tensor, regularisation: float) -> Tensor:
    """(cells, D, D) in place: in which no direction is without variance."""
    covariances.diagonal(dim1=1, dim2=2).add_(regularisation)
    return covariances


def whitening(covariances: Tensor) -> Tensor:
    """W with S^-1 = W^T W: the inverse of S's Cholesky factor."""
    lower: Tensor = torch.linalg.cholesky(covariances)
    unit = torch.eye(covariances.shape[-1], dtype=covariances.dtype).expand_as(lower)
    inverse: Tensor = torch.linalg.solve_triangular(lower, unit, upper=False)
    return inverse


def low_rank(covariances: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """V (cells, r, D) and v (cells, 1) with S^-1 ~ (I - V^T V) / v.

    The r largest directions keep their variance, all others share the mean of theirs.
    """
    variances, directions = torch.linalg.eigh(covariances)
    kept = variances.shape[-1] - rank
    residual = variances[:, :kept].mean(1, keepdim=True)
    explained = (1 - residual / variances[:, kept:]).clamp_min(0).sqrt()
    return explained[..., None] * directions[..., kept:].transpose(1, 2), residual


def fit_centroids(centroids: Centroids, found: Tensor) -> None:
    """(K, D) into the convolution: -2 c and |c|^2."""
    centroids.products.weight.copy_(-2 * found[..., None, None])
    bias = centroids.products.bias
    assert bias is not None  # as Centroids makes it
    bias.copy_((found * found).sum(1))


def fit_whole(whole: ImageGaussian, mean: Tensor, covariance: Tensor, shrinkage: float) -> None:
    """The correlation is drawn to the identity, since images may be fewer than features."""
    (factor,) = shrunk_whitening(covariance[None], torch.tensor([shrinkage]))
    whole.whitening.weight.copy_(factor)
    whole.whitening.bias.copy_(-factor @ mean)


def fit_coarse(gaussians: Gaussians, means: Tensor, covariances: Tensor, shares: Tensor) -> None:
    """From (cells, D), (cells, D, D) and how far each correlation is shrunk, (cells,)."""
    factor = shrunk_whitening(covariances, shares)
    gaussians.factor.copy_(factor)
    gaussians.offset.copy_(factor @ means[..., None])


def shrunk_whitening(covariances: Tensor, shares: Tensor) -> Tensor:
    """(groups, D, D): W of each covariance, whose correlation is drawn to the identity by its share
    of `shares` (groups,)."""
    deviations = deviations_of(covariances)
    correlations = covariances / deviations[:, None] / deviations[..., None]
    unit = torch.eye(covariances.shape[-1], dtype=covariances.dtype)
    # a share of 0 must not fail where a mean never varies
    shares = shares.to(covariances.dtype).clamp_min(1e-6)[:, None, None]
    blend = (1 - shares) * correlations + shares * unit
    return whitening(blend) / deviations[:, None]


def deviations_of(covariances: Tensor) -> Tensor:
    """(groups, D) of (groups, D, D), none of them 0."""
    variances = covariances.diagonal(dim1=1, dim2=2)
    return variances.clamp_min(0).sqrt().clamp_min(1e-6)


def ledoit_wolf(covariances: Tensor, fourth: Tensor, count: int) -> Tensor:
    """(groups,): how far to draw each correlation to the identity, so that the expected error is
    least (Ledoit and Wolf 2004).

    fourth: the sum of |z|^4 (groups,) over the `count` vectors z that the covariances (groups, D,
    D) are of, centred and over their deviations.
    """
    deviations = deviations_of(covariances)
    correlations = covariances / deviations[:, None] / deviations[..., None]
    squares = correlations.square().sum((1, 2))
    size = correlations.diagonal(dim1=1, dim2=2).mean(1)
    spread = squares - size.square() * correlations.shape[-1]
    error = (fourth - count * squares) / count**2
    return (error / spread.clamp_min(1e-12)).clamp(0, 1)


class Clusters:
    """What k-means found, and which vectors made which centroid, so that some can be taken out."""

    def __init__(self, centroids: Tensor, sizes: Tensor, nearest: Tensor) -> None:
        self.centroids, self.sizes, self.nearest = centroids, sizes, nearest

    def without(self, rows: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """(K, D) centroids less the `vectors` in these `rows` of what they were found from.

        With (K,), true where nothing is left of a centroid.
        """
        taken = self.nearest[rows]
        sizes = self.sizes - torch.bincount(taken, minlength=len(self.sizes))
        shifts = torch.zeros_like(self.centroids)
        shifts.index_add_(0, taken, self.centroids[taken] - vectors)
        moved = self.centroids + shifts / sizes.clamp_min(1)[:, None]
        return moved, (self.sizes > 0) & (sizes == 0)

    def state_dict(self) -> dict[str, Tensor]:
        return {"centroids": self.centroids, "sizes": self.sizes, "nearest": self.nearest}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.centroids, self.sizes = state["centroids"], state["sizes"]
        self.nearest = state["nearest"]


def k_means(vectors: Tensor, count: int, rounds: int, seed: int) -> Clusters:
    """(count, D) centroids by k-means++ and Lloyd's rounds; the same seed gives the same."""
    random = torch.Generator().manual_seed(seed)
    centroids = _spread_out(vectors, count, random)
    for _ in range(rounds):
        nearest = torch.cat([_nearest(part, centroids) for part in torch.split(vectors, CHUNK)])
        sizes = torch.bincount(nearest, minlength=count)
        sums = torch.zeros_like(centroids).index_add_(0, nearest, vectors)
        means = sums / sizes.clamp_min(1)[:, None]
        centroids = torch.where(sizes[:, None] > 0, means, centroids)
    return Clusters(centroids, sizes, nearest)


def _spread_out(vectors: Tensor, count: int, random: torch.Generator) -> Tensor:
    """k-means++ (Arthur and Vassilvitskii 2007): the next is likelier the farther it is."""
    chosen = [int(torch.randint(len(vectors), (1,), generator=random))]
    lengths = (vectors * vectors).sum(1)
    distances = torch.full((len(vectors),), torch.inf)
    while len(chosen) < count:
        last = vectors[chosen[-1]]
        squares = lengths - 2 * (vectors @ last) + lengths[chosen[-1]]
        distances = torch.minimum(distances, squares.clamp_min(0))
        # all distances are 0 where there are fewer kinds of patches than centroids
        weights = distances + distances.sum() * 1e-9 + 1e-12
        chosen.append(int(torch.multinomial(weights, 1, generator=random)))
    return vectors[chosen]


def _nearest(vectors: Tensor, centroids: Tensor) -> Tensor:
    return ((centroids * centroids).sum(1) - 2 * vectors @ centroids.T).argmin(1)
