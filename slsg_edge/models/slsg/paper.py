"""SLSG as its official code has it, every quirk included, so that its weights mean the same.

The quirks: no max-pool, the raw output of conv1 goes into layer1, and those of the graph head.
18.9 M parameters and 22.7 GMAC at 256x256.
"""

import torch
from torch import Tensor, nn

from slsg_edge.models.backbones import Trunk
from slsg_edge.models.network import Network
from slsg_edge.models.slsg.graph import STRIDE, GraphHead, GraphSpec
from slsg_edge.models.slsg.layers import SkipAttention, conv_bn_relu, upsample


class PaperEncoder(nn.Module):
    """(N, 3, H, W) to the features at strides 2, 2, 4, 8, 16; the first is for the decoder."""

    widths = (64, 64, 128, 256, 512)

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(depth=4)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.trunk.conv1(x)
        features = [torch.relu(self.trunk.bn1(x))]
        for layer in self.trunk.layers():
            x = layer(x)
            features.append(x)
        return features


class PaperDecoder(nn.Module):
    """Features and auxiliary features to (N, 2, H, W) class logits."""

    def __init__(self) -> None:
        super().__init__()
        self.up1, self.merge1 = conv_bn_relu(512, 256), _double(512, 256)
        self.up2, self.merge2 = conv_bn_relu(256, 128), _double(256 + 32, 128)
        self.up3, self.merge3 = conv_bn_relu(128, 64), _double(128 + 32, 64)
        self.up4, self.merge4 = conv_bn_relu(64, 32), conv_bn_relu(32 + 64, 64)
        self.out = nn.Sequential(
            conv_bn_relu(64, 32), conv_bn_relu(32, 16), nn.Conv2d(16, 2, 3, padding=1)
        )

    def forward(self, x: Tensor, skips: list[Tensor], auxiliary: Tensor) -> Tensor:
        stem, f1, f2, f3 = skips
        at_quarter = _twice(_twice(auxiliary))
        x = self.merge1(torch.cat((self.up1(_twice(x)), f3), 1))
        x = self.merge2(torch.cat((self.up2(_twice(x)), f2, at_quarter), 1))
        x = self.merge3(torch.cat((self.up3(_twice(x)), f1, _twice(at_quarter)), 1))
        x = self.merge4(torch.cat((self.up4(x), stem), 1))
        logits: Tensor = self.out(_twice(x))
        return logits


class PaperNetwork(Network):
    """Normalised RGB (N, 3, H, W) to anomaly logits and auxiliary logits, (N, 1, H, W).

    The official network has two classes; their difference is the logit of the anomalous one.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.encoder = PaperEncoder()
        self.graph = GraphHead(GraphSpec(grid=(height // STRIDE, width // STRIDE)))
        self.attention = nn.ModuleList(SkipAttention(width) for width in (64, 128, 256))
        self.auxiliary = nn.Sequential(conv_bn_relu(512, 256), conv_bn_relu(256, 32))
        self.auxiliary_out = nn.Sequential(conv_bn_relu(32, 32), nn.Conv2d(32, 2, 3, padding=1))
        self.decoder = PaperDecoder()

    @property
    def backbone(self) -> Trunk:
        return self.encoder.trunk

    def class_logits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What the official code calls its outputs: two pairs of (N, 2, H, W)."""
        stem, *skips, deepest = self.encoder(x)
        nodes = self.graph(deepest)
        attended = [attend(skip) for attend, skip in zip(self.attention, skips, strict=True)]
        auxiliary = self.auxiliary(nodes)
        auxiliary_logits = upsample(self.auxiliary_out(auxiliary), STRIDE, align_corners=True)
        logits = self.decoder(nodes, [stem, *attended], auxiliary)
        return logits + auxiliary_logits, auxiliary_logits

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits, auxiliary = self.class_logits(x)
        return logits[:, 1:] - logits[:, :1], auxiliary[:, 1:] - auxiliary[:, :1]


def _double(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(conv_bn_relu(inputs, outputs), conv_bn_relu(outputs, outputs))


def _twice(x: Tensor) -> Tensor:
    return upsample(x, 2, align_corners=True)
