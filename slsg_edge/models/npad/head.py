"""N-pad's head: patches, both distances, their combination, the map. All of it stays in FP32.

Without inverse, factorisation or search: what the Gaussians and centroids come to is in the
constants, so the graph has one batched matrix product and one convolution for them. Knows nothing
about how the constants were found: see `fitted`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from slsg_edge.models.npad.bank import Bank
from slsg_edge.models.npad.coarse import CoarseCells
from slsg_edge.models.npad.distances import Centroids, Gaussians, ImageGaussian
from slsg_edge.models.npad.evidence import Evidence
from slsg_edge.models.npad.spec import Branch, NpadSpec

LOGIT_GOOD = -3.0  # of the mean good image
POOLED = 4  # pixels from one to the next that a branch's score is taken from: the map is smooth


class DistanceHead(nn.Module):
    """Features of the layers to anomaly logits.

    The spec's branches are fused by `evidence`. Without it distances are summed: then `centre` and
    `spread`, of good images by statistics that did not see them, are of the Mahalanobis distance,
    the Euclidean one, both combined, and the whole image's; last, of the sum. `mixing` is there
    where `combine` is `auto`: what the three distances count for.
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
        self._make_distances()
        self.evidence = Evidence(spec.fused) if spec.fused else None
        self.pooled = max(1, spec.score_pixels(height, width) // POOLED**2)
        if self.evidence is None:
            self.register_buffer("centre", torch.zeros(5))
            self.register_buffer("spread", torch.ones(5))
            if spec.combine == "auto":
                self.register_buffer("mixing", torch.ones(3))
        rows = enlargement(self.grid[0], height, spec.smoothing)
        columns = enlargement(self.grid[1], width, spec.smoothing)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns.T.contiguous(), persistent=False)

    def _make_distances(self) -> None:
        spec = self.spec
        named: tuple[Branch, ...] = ("gaussian", "centroids", *(("whole",) if spec.whole else ()))
        named = spec.fused or named
        cells = self.grid[0] * self.grid[1]
        self.gaussians = Gaussians(spec, cells) if "gaussian" in named else None
        self.centroids = Centroids(spec) if "centroids" in named else None
        self.bank = Bank(spec) if "bank" in named else None
        self.coarse = CoarseCells(spec, self.grid) if "cells" in named else None
        self.whole = ImageGaussian(self.features) if "whole" in named else None

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Logits (N, 1, H, W) of the map, and (N, 1) of the image where branches are fused."""
        patches = self.patches(features)
        maps = self.maps(patches)
        whole = None if self.whole is None else self.whole(self.means(features))
        if self.evidence is None:
            return (self.logits(maps[0], maps[1], whole),)
        others = [] if self.coarse is None else [self.coarse(patches)]
        others += [] if whole is None else [whole]
        return self.fused(torch.cat(maps, 1), others)

    def maps(self, patches: Tensor) -> list[Tensor]:
        """(N, 1, h, w) of each distance that each cell has."""
        makers = (self.gaussians, self.centroids, self.bank)
        return [maker(patches) for maker in makers if maker is not None]

    def fused(self, maps: Tensor, others: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """From distances of cells (N, M, h, w) and of images, each (N, 1)."""
        evidence = self.evidence
        assert evidence is not None  # as the caller knows
        z = evidence(self.of_images(maps, others))
        cells = evidence.normal_map(self.enlarged(evidence.map(maps)))
        return LOGIT_GOOD + softened(cells), LOGIT_GOOD + softened(z)

    def of_images(self, maps: Tensor, others: Sequence[Tensor]) -> Tensor:
        """(N, B), in the order of the spec's branches: of a map the mean of its largest values,
        enlarged to every fourth pixel."""
        first = POOLED // 2
        rows, columns = self.rows[first::POOLED], self.columns[:, first::POOLED]
        values = torch.matmul(torch.matmul(rows, maps), columns).flatten(2)
        return torch.cat([values.topk(self.pooled, dim=2).values.mean(2), *others], 1)

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
