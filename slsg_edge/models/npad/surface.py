"""From cells to pixels along one axis: bilinear enlargement and a Gaussian, as one matrix.

Both are linear and separable, so a map is rows @ cells @ columns whatever the filter's width.
"""

import torch
from torch import Tensor
from torch.nn import functional


def enlargement(cells: int, pixels: int, deviation: float) -> Tensor:
    """(pixels, cells), each row adding up to 1; the Gaussian's `deviation` is in pixels."""
    unit = torch.eye(cells, dtype=torch.float64)[None]
    bilinear = functional.interpolate(unit, pixels, mode="linear", align_corners=False)[0].T
    place = torch.arange(pixels, dtype=torch.float64)
    weights = torch.exp(-(((place[:, None] - place) / deviation) ** 2) / 2)
    # at the border the pixels that are there count, and nothing is made up beyond
    return ((weights / weights.sum(1, keepdim=True)) @ bilinear).float()
