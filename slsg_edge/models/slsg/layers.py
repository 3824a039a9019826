"""The small parts that both variants of the network are made of."""

import torch
from torch import Tensor, nn
from torch.nn import functional


def conv_bn_relu(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def upsample(x: Tensor, factor: int, *, align_corners: bool) -> Tensor:
    """Bilinear."""
    return functional.interpolate(
        x, scale_factor=float(factor), mode="bilinear", align_corners=align_corners
    )


class SkipAttention(nn.Module):
    """Large-kernel attention on a skip connection (arXiv 2202.09741), residual."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.far = nn.Conv2d(channels, channels, 3, padding=3, dilation=3, groups=channels)
        self.gate = nn.Conv2d(channels, channels, 1)
        self.project = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        attended = x * self.gate(self.far(self.near(x)))
        projected: Tensor = self.project(torch.relu(attended))
        return projected + x
