"""What one pass over the good images leaves behind: sums, and a sample of patches.

Bounded in memory whatever the number of images, and a checkpoint's part: a stopped pass goes on.
Knows nothing about networks.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


class Moments:
    """Sums of x and x x^T in FP64, of `groups` kinds of vectors apart."""

    def __init__(self, groups: int, size: int) -> None:
        self.count = 0
        self.first = torch.zeros(groups, size, dtype=torch.float64)
        self.second = torch.zeros(groups, size, size, dtype=torch.float64)

    def add(self, vectors: Tensor) -> None:
        """(groups, N, D), N more of each."""
        # products in FP32 would drown what varies little around a large mean
        vectors = vectors.cpu().double().contiguous()  # as products of many matrices want them
        self.count += vectors.shape[1]
        self.first += vectors.sum(1)
        self.second += torch.bmm(vectors.transpose(1, 2), vectors)

    def without(self, vectors: Tensor) -> "Moments":
        """Those of all the others; `vectors` (groups, N, D) were added before."""
        vectors = vectors.cpu().double()
        rest = Moments(0, 0)
        rest.count = self.count - vectors.shape[1]
        rest.first = self.first - vectors.sum(1)
        rest.second = self.second - torch.bmm(vectors.transpose(1, 2), vectors)
        return rest

    def together(self) -> "Moments":
        """Of all groups' vectors as one group."""
        all_of_them = Moments(0, 0)
        all_of_them.count = self.count * len(self.first)
        all_of_them.first = self.first.sum(0, keepdim=True)
        all_of_them.second = self.second.sum(0, keepdim=True)
        return all_of_them

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count, "first": self.first, "second": self.second}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.count, self.first, self.second = state["count"], state["first"], state["second"]


class PatchSample:
    """Patches drawn evenly from `images` images: so many of each, at random cells."""

    def __init__(self, images: int, wanted: int, channels: int, seed: int) -> None:
        self.per_image = math.ceil(wanted / images)
        self.vectors = torch.zeros(images * self.per_image, channels)
        self.filled = 0
        self._random = torch.Generator().manual_seed(seed)

    def add(self, patches: Tensor) -> None:
        """(N, D, h, w)."""
        for patch in patches.cpu().flatten(2):
            order = torch.randperm(patch.shape[1], generator=self._random)
            cells = order.repeat(math.ceil(self.per_image / len(order)))[: self.per_image]
            self.vectors[self.filled : self.filled + self.per_image] = patch[:, cells].T
            self.filled += self.per_image

    def rows_of(self, images: Sequence[int]) -> Tensor:
        """Which rows of `vectors` are patches of these images, numbered as they were added."""
        first = torch.tensor(images) * self.per_image
        return (first[:, None] + torch.arange(self.per_image)).flatten()

    def state_dict(self) -> dict[str, Any]:
        return {
            "vectors": self.vectors,
            "filled": self.filled,
            "random": self._random.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.vectors, self.filled = state["vectors"], state["filled"]
        self._random.set_state(state["random"])


def neighbourhoods(sums: Tensor, rows: int, columns: int, side: int) -> Tensor:
    """Each cell's sums (rows * columns, ...) added to those of its neighbours that are there."""
    if side == 1:
        return sums
    maps = sums.reshape(rows, columns, -1).permute(2, 0, 1)[:, None]
    for kernel in ((side, 1), (1, side)):
        pad = (kernel[0] // 2, kernel[1] // 2)
        maps = functional.avg_pool2d(maps, kernel, 1, pad, divisor_override=1)
    return maps[:, 0].permute(1, 2, 0).reshape(sums.shape)


def neighbours(rows: int, columns: int, side: int) -> Tensor:
    """(cells,) how many cells, itself included, each cell's neighbourhood has."""
    ones = torch.ones(rows * columns, 1, dtype=torch.float64)
    return neighbourhoods(ones, rows, columns, side)[:, 0]


def means_and_covariances(
    moments: Moments, rows: int, columns: int, side: int
) -> tuple[Tensor, Tensor]:
    """(cells, D) and (cells, D, D), each over its cell's neighbourhood; edges have fewer."""
    counts = float(moments.count) * neighbours(rows, columns, side)[:, None]
    means = neighbourhoods(moments.first, rows, columns, side) / counts
    covariances = neighbourhoods(moments.second, rows, columns, side) / counts[..., None]
    covariances.baddbmm_(means[..., None], means[:, None], alpha=-1)
    return means, covariances
