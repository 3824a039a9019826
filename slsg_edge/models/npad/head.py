"""N-pad's head: patches, both distances, their combination, the map. All of it stays in FP32.

Without inverse, factorisation or search: what the Gaussians and centroids come to is in the
constants, so the graph has one batched matrix product and one convolution for them. Knows nothing
about how the constants were found: see `fitted`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from slsg_edge.models.npad.spec import NpadSpec

LOGIT_GOOD = -3.0  # of the mean good image
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


class DistanceHead(nn.Module):
    """Features of the layers to anomaly logits.

    `centre` and `spread`, of good images by statistics that did not see them: of the Mahalanobis
    distance, the Euclidean one, both combined, and the whole image's; last, of the sum. `mixing`
    is there where `combine` is `auto`: what the three distances count for.
    """

    centre: Tensor
    spread: Tensor
    rows: Tensor
    columns: Tensor
    mixing: Tensor

    def __init__(self, spec: NpadSpec, widths: Sequence[int], height: int, width: int) -> None:
        super().__init__()
        self.spec, self.grid, self.features = spec, spec.grid(height, width), sum(widths)
        self.widths = list(widths)
        self.reduction = nn.ModuleList(
            nn.Conv2d(features, spec.channels, 1, bias=False) for features in widths
        )
        self.gaussians = Gaussians(spec, self.grid[0] * self.grid[1])
        self.centroids = Centroids(spec)
        self.whole = ImageGaussian(self.features) if spec.whole else None
        self.register_buffer("centre", torch.zeros(5))
        self.register_buffer("spread", torch.ones(5))
        if spec.combine == "auto":
            self.register_buffer("mixing", torch.ones(3))
        rows = enlargement(self.grid[0], height, spec.smoothing)
        columns = enlargement(self.grid[1], width, spec.smoothing)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns.T.contiguous(), persistent=False)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """(N, 1, H, W)."""
        patches = self.patches(features)
        whole = None if self.whole is None else self.whole(self.means(features))
        return self.logits(self.gaussians(patches), self.centroids(patches), whole)

    def logits(self, mahalanobis: Tensor, euclidean: Tensor, whole: Tensor | None) -> Tensor:
        """(N, 1, H, W) from distances: of the cells (N, 1, h, w) twice, of the image (N, 1)."""
        z = self.normal(2, self.combined(mahalanobis, euclidean))
        if whole is not None:
            z = z + self.tipped(whole)[:, :, None, None]
        z = self.normal(4, self.enlarged(z))
        return LOGIT_GOOD + softened(z)

    def patches(self, features: Sequence[Tensor]) -> Tensor:
        """(N, D, h, w): reduced first, since 3x3 mean and resizing do not mix channels."""
        pairs = zip(self.reduction, features, strict=True)
        first, *others = [self._cells(conv(x)) for conv, x in pairs]
        for other in others:
            first = first + other
        return first

    def stacked(self, features: Sequence[Tensor]) -> Tensor:
        """(N, C, h, w) of all layers, not reduced."""
        return torch.cat([self._cells(x) for x in features], 1)

    def set_reduction(self, matrix: Tensor) -> None:
        """(D, C), a column for each feature of each layer."""
        parts = torch.split(matrix, self.widths, 1)
        for weight, part in zip(self.reduction.parameters(), parts, strict=True):
            weight.copy_(part[..., None, None])

    def means(self, features: Sequence[Tensor]) -> Tensor:
        """(N, C) of all layers, not reduced."""
        return torch.cat([x.mean((2, 3)) for x in features], 1)

    def combined(self, mahalanobis: Tensor, euclidean: Tensor) -> Tensor:
        """Both distances on the scale of good images, then as `combine` has it."""
        first, second = self.normal(0, mahalanobis), self.normal(1, euclidean)
        if self.spec.combine == "auto":
            return self.mixing[0] * first + self.mixing[1] * second
        if self.spec.combine == "max":
            return torch.maximum(first, second)
        if self.spec.combine == "sum":
            return first + second
        return first if self.spec.combine == "mahalanobis" else second

    def tipped(self, whole: Tensor) -> Tensor:
        """What the whole image adds to all its cells: enough to tip it, not to drown its map."""
        added = softened(self.normal(3, whole))
        return self.mixing[2] * added if self.spec.combine == "auto" else added

    def normal(self, index: int, value: Tensor) -> Tensor:
        return (value - self.centre[index]) / self.spread[index]

    def enlarged(self, cells: Tensor) -> Tensor:
        """(N, 1, h, w) to (N, 1, H, W), smoothed."""
        return torch.matmul(torch.matmul(self.rows, cells), self.columns)

    def _cells(self, x: Tensor) -> Tensor:
        x = functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        factor = x.shape[2] // self.grid[0]
        if factor > 1:
            return functional.avg_pool2d(x, factor)
        if tuple(x.shape[2:]) == self.grid:
            return x
        return functional.interpolate(x, self.grid, mode="bilinear", align_corners=False)


def softened(z: Tensor) -> Tensor:
    """Slope 1 among the good, logarithmic beyond: sigmoid tells z = 1000 from z = 900 in FP32."""
    return 2 * torch.asinh(z / 2)


def _square(x: Tensor) -> Tensor:
    """(cells, K, N) to (cells, N)."""
    return (x * x).sum(1)


def enlargement(cells: int, pixels: int, deviation: float) -> Tensor:
    """From cells to pixels along one axis: bilinear and a Gaussian, as one matrix (pixels, cells).

    Both are linear and separable, so a map is rows @ cells @ columns whatever the filter's width.
    Each row adds up to 1; the Gaussian's `deviation` is in pixels.
    """
    unit = torch.eye(cells, dtype=torch.float64)[None]
    bilinear = functional.interpolate(unit, pixels, mode="linear", align_corners=False)[0].T
    place = torch.arange(pixels, dtype=torch.float64)
    weights = torch.exp(-(((place[:, None] - place) / deviation) ** 2) / 2)
    # at the border the pixels that are there count, and nothing is made up beyond
    return ((weights / weights.sum(1, keepdim=True)) @ bilinear).float()
