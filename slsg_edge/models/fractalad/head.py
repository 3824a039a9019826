"""The segmentation head: SFNet's (arXiv 2002.10120) without its backbone.

Features of all levels meet from the coarsest to the finest. With flow alignment each coarse map
is first bent to where the finer one has its edges; without, this is a plain feature pyramid.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 64


class FlowAlignment(nn.Module):
    """Coarse features (N, C, H, W) moved by offsets that they and finer ones (2H, 2W) agree on."""

    base: Tensor
    step: Tensor

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.offsets = nn.Conv2d(2 * WIDTH, 2, 3, padding=1, bias=False)
        centres = [(2 * torch.arange(side) + 1) / side - 1 for side in (height, width)]
        rows, columns = torch.meshgrid(*centres, indexing="ij")
        self.register_buffer("base", torch.stack((columns, rows), -1)[None], persistent=False)
        step = torch.tensor((2 / width, 2 / height))  # one pixel, in the units of grid_sample
        self.register_buffer("step", step, persistent=False)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        flow = self.offsets(torch.cat((fine, doubled(coarse)), 1))
        # the mean of 2x2 is what a bilinear resize to half the size gives
        moved = functional.avg_pool2d(flow, 2).permute(0, 2, 3, 1)
        grid = self.base + self.step * moved.float()
        return functional.grid_sample(coarse.float(), grid, align_corners=False)


class PyramidHead(nn.Module):
    """Features at strides 4, 8, ... to logits (N, 1, H, W) of the image's size.

    `widths`: channels of each level. `grids`: height and width of each level.
    """

    def __init__(
        self, widths: Sequence[int], grids: Sequence[tuple[int, int]], *, aligned: bool
    ) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(_conv_bn_relu(width, 1) for width in widths)
        self.alignments = nn.ModuleList(FlowAlignment(*grid) for grid in grids[1:] if aligned)
        self.smooths = nn.ModuleList(_conv_bn_relu(WIDTH, 3) for _ in widths[1:])
        self.merge = _conv_bn_relu(WIDTH * len(widths), 3)
        self.out = nn.Conv2d(WIDTH, 1, 3, padding=1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        sides = [lateral(feature) for lateral, feature in zip(self.laterals, features, strict=True)]
        merged = [sides[-1]]  # the coarsest first
        for level in reversed(range(len(sides) - 1)):
            coarse = merged[-1]
            if self.alignments:
                coarse = self.alignments[level](coarse, sides[level])
            merged.append(sides[level] + doubled(coarse))
        coarsest, *finer = merged
        smoothed = [smooth(x) for smooth, x in zip(self.smooths, finer, strict=True)]
        levels = [coarsest, *smoothed]
        raised = [raise_by(x, 2**step) for step, x in enumerate(reversed(levels))]
        return raise_by(self.out(self.merge(torch.cat(raised, 1))), 4)


def doubled(x: Tensor) -> Tensor:
    return raise_by(x, 2)


def raise_by(x: Tensor, factor: int) -> Tensor:
    """Bilinear."""
    if factor == 1:
        return x
    return functional.interpolate(
        x, scale_factor=float(factor), mode="bilinear", align_corners=False
    )


def _conv_bn_relu(inputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, WIDTH, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(WIDTH),
        nn.ReLU(),
    )
