"""EfficientNet-Lite0: a backbone of ReLU6 and depthwise convolutions without squeeze-excitation,
made for INT8, whose complete ImageNet weights come as a Python package.

After Tan and Le (arXiv 1905.11946) and TensorFlow's `lite` variant of it. Parts are named as those
of `backbones.Trunk` are, by layers that halve the resolution: layer1 to layer4 have strides 4, 8,
16 and 32 here, too.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from slsg_edge.models.normalisation import IMAGENET_DEVIATION, IMAGENET_MEAN
from slsg_edge.models.trunk_layers import LAYERS, layers_of, outputs_of, randomise

LITE0_WIDTHS = (24, 40, 112, 320)
EPSILON = 1e-3  # of batch norm, as TensorFlow trained it
# Pixels as this network learned them: (x - 127) / 128.
LEARNED_MEAN, LEARNED_DEVIATION = 127 / 255, 128 / 255
HEAD = ("_conv_head.", "_bn1.", "_fc.")  # of the classifier, which no detector has


@dataclass(frozen=True, slots=True)
class Stage:
    """Blocks of one kind: how many, kernel size, channels, first stride, and by how much the
    channels grow inside."""

    blocks: int
    kernel: int
    outputs: int
    stride: int
    growth: int = 6


STEM = 32
STAGES_OF_LAYER: tuple[tuple[Stage, ...], ...] = (
    (Stage(1, 3, 16, 1, growth=1), Stage(2, 3, 24, 2)),
    (Stage(2, 5, 40, 2),),
    (Stage(3, 3, 80, 2), Stage(3, 5, 112, 1)),
    (Stage(4, 5, 192, 2), Stage(1, 3, 320, 1)),
)


class InvertedResidual(nn.Module):
    """1x1 to more channels, depthwise, 1x1 to few, and a shortcut where it fits (Sandler et al.
    2018, MobileNetV2)."""

    def __init__(self, inputs: int, stage: Stage, stride: int) -> None:
        super().__init__()
        inner = inputs * stage.growth
        self.padding = same_padding(stage.kernel, stride)
        self.shortcut = stride == 1 and inputs == stage.outputs
        self.grows = stage.growth > 1
        if self.grows:
            self.expand = nn.Conv2d(inputs, inner, 1, bias=False)
            self.bn0 = nn.BatchNorm2d(inner, EPSILON)
        self.depthwise = nn.Conv2d(inner, inner, stage.kernel, stride, groups=inner, bias=False)
        self.bn1 = nn.BatchNorm2d(inner, EPSILON)
        self.project = nn.Conv2d(inner, stage.outputs, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(stage.outputs, EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu6(self.bn0(self.expand(x))) if self.grows else x
        y = functional.relu6(self.bn1(self.depthwise(functional.pad(y, self.padding))))
        few: Tensor = self.bn2(self.project(y))
        return x + few if self.shortcut else few


class EfficientNetLite0(nn.Module):
    """The stem and layer1 to layer`depth`. `widths`: channels that each layer gives."""

    scale: Tensor
    shift: Tensor

    def __init__(self, depth: int = 4) -> None:
        super().__init__()
        self.architecture: Literal["efficientnet_lite0"] = "efficientnet_lite0"
        self.widths = LITE0_WIDTHS[:depth]
        self.conv1 = nn.Conv2d(3, STEM, 3, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM, EPSILON)
        inputs = STEM
        for index, stages in enumerate(STAGES_OF_LAYER[:depth]):
            blocks: list[nn.Module] = []
            for stage in stages:
                for number in range(stage.blocks):
                    stride = 1 if number else stage.stride
                    blocks.append(InvertedResidual(inputs, stage, stride))
                    inputs = stage.outputs
            self.add_module(LAYERS[index], nn.Sequential(*blocks))
        randomise(self)
        scale = torch.tensor(IMAGENET_DEVIATION) / LEARNED_DEVIATION
        shift = (torch.tensor(IMAGENET_MEAN) - LEARNED_MEAN) / LEARNED_DEVIATION
        self.register_buffer("scale", scale.float()[:, None, None], persistent=False)
        self.register_buffer("shift", shift.float()[:, None, None], persistent=False)

    def layers(self) -> list[nn.Module]:
        """layer1, layer2, ... as far as this trunk goes."""
        return layers_of(self, len(self.widths))

    def features(self, x: Tensor, layers: Iterable[int]) -> list[Tensor]:
        """What these layers give, by their numbers from 1."""
        given = self(x)
        return [given[layer - 1] for layer in layers]

    def forward(self, x: Tensor) -> list[Tensor]:
        """RGB (N, 3, H, W), normalised as ResNets have it, to what each layer gives: strides 4, 8,
        16 and 32. Both sides are even at each stride."""
        x = x * self.scale + self.shift
        x = functional.relu6(self.bn1(self.conv1(functional.pad(x, same_padding(3, 2)))))
        return outputs_of(self.layers(), x)


def same_padding(kernel: int, stride: int) -> tuple[int, int, int, int]:
    """TensorFlow's `SAME` for an even side: left, right, top and bottom, one more at the end."""
    total = kernel - stride
    first = total // 2
    return first, total - first, first, total - first


def lite0_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The package's tensors by the names that they have here, without the classifier's."""
    return {
        _name(name): tensor
        for name, tensor in weights.items()
        if not name.startswith(HEAD) and "num_batches_tracked" not in name
    }


_PARTS = {"_expand_conv": "expand", "_depthwise_conv": "depthwise", "_project_conv": "project"}


def _name(name: str) -> str:
    """`layer2.0.expand.weight` of `_blocks.3._expand_conv.weight`; what is not known stays."""
    found = re.fullmatch(r"_blocks\.(\d+)\.(_\w+)\.(\w+)", name)
    if found is None:
        return name.replace("_conv_stem.", "conv1.").replace("_bn0.", "bn1.")
    block, part = int(found[1]), found[2]
    for index, stages in enumerate(STAGES_OF_LAYER):
        count = sum(stage.blocks for stage in stages)
        if block < count:
            inner = _PARTS.get(part, part.removeprefix("_"))
            return f"{LAYERS[index]}.{block}.{inner}.{found[3]}"
        block -= count
    return name
