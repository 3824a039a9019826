"""The distances that N-pad's head is made of. Knows nothing about how they are put together.

Without inverse, factorisation or search: what the Gaussians and centroids come to is in the
constants. Knows nothing about how the constants were found: see `fitted`.
"""

import torch
from torch import Tensor, nn

from slsg_edge.models.npad.spec import NpadSpec

TINY = 1e-6  # under the root


class Gaussians(nn.Module):
    """Mahalanobis distance of each cell to its own Gaussian, over the root of the channels.

    Of rank r, with residual variance v: |x - m|^2 / v, less what the r directions explain.
    """

    factor: Tensor
    offset: Tensor
    mean: Tensor
    residual: Tensor

    def __init__(self, spec: NpadSpec, cells: int) -> None:
        super().__init__()
        self.channels, self.rank = spec.channels, spec.rank
        rows = spec.rank or spec.channels
        self.register_buffer("factor", torch.zeros(cells, rows, spec.channels))
        self.register_buffer("offset", torch.zeros(cells, rows, 1))
        if spec.rank:
            self.register_buffer("mean", torch.zeros(cells, spec.channels, 1))
            self.register_buffer("residual", torch.ones(cells, 1))

    def forward(self, patches: Tensor) -> Tensor:
        """(N, D, h, w) to (N, 1, h, w)."""
        x = patches.flatten(2).permute(2, 1, 0)  # a cell's batch side by side: one product a cell
        square = _square(torch.matmul(self.factor, x) - self.offset)
        if self.rank:
            square = (_square(x - self.mean) - square) / self.residual
        distance = (square / self.channels).clamp_min(TINY).sqrt()
        return distance.T.reshape(-1, 1, *patches.shape[2:])


class Centroids(nn.Module):
    """Euclidean distance to the nearest centroid: |x|^2 - 2 x c + |c|^2, over the root of D."""

    def __init__(self, spec: NpadSpec) -> None:
        super().__init__()
        self.products = nn.Conv2d(spec.channels, spec.centroids, 1)
        self.channels = spec.channels

    def forward(self, patches: Tensor) -> Tensor:
        """(N, D, h, w) to (N, 1, h, w)."""
        squares = (patches * patches).sum(1, keepdim=True)
        products: Tensor = self.products(patches)
        nearest = products.amin(1, keepdim=True)
        return ((squares + nearest) / self.channels).clamp_min(TINY).sqrt()


class ImageGaussian(nn.Module):
    """Mahalanobis distance of the image's mean features, over the root of their number."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.whitening = nn.Linear(features, features)

    def forward(self, means: Tensor) -> Tensor:
        """(N, C) to (N, 1)."""
        z: Tensor = self.whitening(means)
        return (z * z).mean(1, keepdim=True).clamp_min(TINY).sqrt()


def _square(x: Tensor) -> Tensor:
    """(cells, K, N) to (cells, N)."""
    return (x * x).sum(1)
