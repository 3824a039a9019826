"""Means over large cells, each with a Gaussian of its own: what is too much, too little or missing
in a part of the image, where no patch alone is strange."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from slsg_edge.models.npad.distances import Gaussians
from slsg_edge.models.npad.spec import NpadSpec


class CoarseCells(nn.Module):
    """The largest Mahalanobis distance of a coarse cell's mean patch to its own Gaussian."""

    rows: Tensor
    columns: Tensor

    def __init__(self, spec: NpadSpec, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = spec.cells, spec.cells
        self.gaussians = Gaussians(replace(spec, rank=0, branches=()), spec.cells**2)
        self.register_buffer("rows", averaging(grid[0], spec.cells), persistent=False)
        columns = averaging(grid[1], spec.cells).T.contiguous()
        self.register_buffer("columns", columns, persistent=False)

    def forward(self, patches: Tensor) -> Tensor:
        """(N, D, h, w) to (N, 1)."""
        return self.largest(self.gaussians(self.means(patches)))

    def means(self, patches: Tensor) -> Tensor:
        """(N, D, h, w) to (N, D, cells, cells)."""
        return torch.matmul(torch.matmul(self.rows, patches), self.columns)

    def means_by_cell(self, patches: Tensor) -> Tensor:
        """(N, D, h, w), on any device, to (cells * cells, N, D) on the CPU."""
        return self.means(patches.to(self.rows.device)).cpu().flatten(2).permute(2, 0, 1)

    def largest(self, distances: Tensor) -> Tensor:
        """(N, 1, cells, cells) to (N, 1)."""
        return distances.flatten(1).amax(1, keepdim=True)


def averaging(cells: int, wanted: int) -> Tensor:
    """(wanted, cells): each row averages its even share of the cells, parts of a cell included."""
    edges = torch.linspace(0, cells, wanted + 1, dtype=torch.float64)
    place = torch.arange(cells, dtype=torch.float64)
    inside = torch.minimum(edges[1:, None], place + 1) - torch.maximum(edges[:-1, None], place)
    shares = inside.clamp_min(0)
    return (shares / shares.sum(1, keepdim=True)).float()
