"""SLSG for small GPUs: ours, with the paper's ideas and without its costs.

The stock ResNet-18 stem with its max-pool, the trunk to layer3 only, so that one ImageNet file
fits and no quarter of the work goes into 512 channels; attention scaled; the graph on layer3's
16x16 nodes; skips narrowed before they are joined; the last upsampling after the last
convolution. 3.0 GMAC at 256x256 against the 22.7 of `paper`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from slsg_edge.models.backbones import Trunk
from slsg_edge.models.network import Network
from slsg_edge.models.slsg.graph import STRIDE, GraphHead, GraphSpec
from slsg_edge.models.slsg.layers import SkipAttention, conv_bn_relu, upsample


class EdgeEncoder(nn.Module):
    """(N, 3, H, W) to the features at strides 2, 4, 8, 16."""

    widths = (64, 64, 128, 256)

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(depth=3)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = [torch.relu(self.trunk.bn1(self.trunk.conv1(x)))]
        x = functional.max_pool2d(features[0], 3, 2, 1)
        for layer in self.trunk.layers():
            x = layer(x)
            features.append(x)
        return features


class EdgeStep(nn.Module):
    """One step of the decoder: narrow both inputs, upsample the deep one, join."""

    def __init__(self, deep: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.narrow_deep = conv_bn_relu(deep, outputs, kernel=1)
        self.narrow_skip = conv_bn_relu(skip, outputs, kernel=1)
        self.merge = conv_bn_relu(2 * outputs, outputs)

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        raised = upsample(self.narrow_deep(deep), 2, align_corners=False)
        merged: Tensor = self.merge(torch.cat((raised, self.narrow_skip(skip)), 1))
        return merged


class EdgeNetwork(Network):
    """Normalised RGB (N, 3, H, W) to anomaly logits and auxiliary logits, (N, 1, H, W)."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        grid = (height // STRIDE, width // STRIDE)
        self.encoder = EdgeEncoder()
        self.graph = GraphHead(
            GraphSpec(256, 128, grid, similarity_sign=1.0, scaled=True, value_taps=1, groups=1)
        )
        self.attention = nn.ModuleList(SkipAttention(width) for width in (64, 128))
        self.auxiliary = nn.Sequential(conv_bn_relu(256, 32), nn.Conv2d(32, 1, 3, padding=1))
        self.steps = nn.ModuleList(
            (EdgeStep(256, 128, 96), EdgeStep(96, 64, 64), EdgeStep(64, 64, 32))
        )
        self.out = nn.Conv2d(32, 1, 3, padding=1)

    @property
    def backbone(self) -> Trunk:
        return self.encoder.trunk

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        stem, f1, f2, deepest = self.encoder(x)
        nodes = self.graph(deepest)
        auxiliary = upsample(self.auxiliary(nodes), STRIDE, align_corners=False)
        skips = (self.attention[1](f2), self.attention[0](f1), stem)
        for step, skip in zip(self.steps, skips, strict=True):
            nodes = step(nodes, skip)
        logits = upsample(self.out(nodes), 2, align_corners=False)
        return logits + auxiliary, auxiliary
