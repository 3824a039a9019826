"""Backbones: ResNet trunks in torchvision's key names, so that its weight files load as they are,
and `efficientnet`.

Knows nothing about detectors: which features a detector takes, and whether it skips the
max-pool, is the detector's own affair. Nor about files: see `backbone_weights`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from slsg_edge.errors import ConfigError
from slsg_edge.models.efficientnet import LITE0_WIDTHS, EfficientNetLite0
from slsg_edge.models.trunk_layers import LAYERS as LAYERS
from slsg_edge.models.trunk_layers import layers_of, outputs_of, randomise

Architecture: TypeAlias = Literal["resnet18", "resnet34", "resnet50", "wide_resnet50_2"]
AnyArchitecture: TypeAlias = Literal[Architecture, "efficientnet_lite0"]
WIDTHS = (64, 128, 256, 512)


@dataclass(frozen=True, slots=True)
class Build:
    """How torchvision makes an architecture: blocks per layer, and how wide they are inside.

    expansion: output channels by WIDTHS; 1 is the basic block of two 3x3 convolutions.
    """

    blocks: tuple[int, int, int, int]
    expansion: int = 1
    inner: int = 1


BUILDS: dict[Architecture, Build] = {
    "resnet18": Build((2, 2, 2, 2)),
    "resnet34": Build((3, 4, 6, 3)),
    "resnet50": Build((3, 4, 6, 3), expansion=4),
    "wide_resnet50_2": Build((3, 4, 6, 3), expansion=4, inner=2),
}


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016, fig. 2)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = _shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        shortcut: Tensor = self.downsample(x)
        return torch.relu(self.bn2(self.conv2(y)) + shortcut)


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 and a shortcut (He et al. 2016, fig. 5); the stride is the 3x3's."""

    def __init__(self, inputs: int, inner: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = _shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        shortcut: Tensor = self.downsample(x)
        return torch.relu(self.bn3(self.conv3(y)) + shortcut)


class Trunk(nn.Module):
    """conv1, bn1 and layer1 to layer`depth`, to be wired by the detector's encoder.

    `widths`: channels that each layer gives.
    """

    def __init__(self, architecture: Architecture = "resnet18", depth: int = 4) -> None:
        super().__init__()
        build = BUILDS[architecture]
        self.architecture = architecture
        self.widths = tuple(width * build.expansion for width in WIDTHS[:depth])
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        for index in range(depth):
            inputs = self.widths[index - 1] if index else 64
            self.add_module(LAYERS[index], _layer(build, index, inputs, self.widths[index]))
        randomise(self)

    def layers(self) -> list[nn.Module]:
        """layer1, layer2, ... as far as this trunk goes."""
        return layers_of(self, len(self.widths))

    def features(self, x: Tensor, layers: Iterable[int]) -> list[Tensor]:
        """What these layers give, by their numbers from 1."""
        given = self(x)
        return [given[layer - 1] for layer in layers]

    def forward(self, x: Tensor) -> list[Tensor]:
        """Normalised RGB (N, 3, H, W) to what each layer gives, with the stock stem: strides 4,
        8, 16 and 32.
        """
        x = functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return outputs_of(self.layers(), x)


def _layer(build: Build, index: int, inputs: int, outputs: int) -> nn.Sequential:
    blocks: list[nn.Module] = []
    for number in range(build.blocks[index]):
        stride = 2 if number == 0 and index else 1
        if build.expansion == 1:
            blocks.append(BasicBlock(inputs, outputs, stride))
        else:
            blocks.append(Bottleneck(inputs, build.inner * WIDTHS[index], outputs, stride))
        inputs = outputs
    return nn.Sequential(*blocks)


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


Backbone: TypeAlias = Trunk | EfficientNetLite0


def backbone_of(architecture: AnyArchitecture, depth: int) -> Backbone:
    """An untrained one that goes as far as layer `depth`."""
    if architecture == "efficientnet_lite0":
        return EfficientNetLite0(depth)
    return Trunk(architecture, depth)


def widths_of(architecture: AnyArchitecture) -> tuple[int, ...]:
    """Channels of each layer; of ResNets what each of them has at least."""
    return LITE0_WIDTHS if architecture == "efficientnet_lite0" else WIDTHS


def layers_in(weights: Mapping[str, Tensor]) -> int:
    """How many layers from the first `weights` have something for."""
    have = {name.partition(".")[0] for name in weights}
    return next((n for n, layer in enumerate(LAYERS) if layer not in have), len(LAYERS))


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """What a weight file gave a trunk: `random` names the layers it had nothing for."""

    random: tuple[str, ...]
    folded_batch_norm: bool


def load_trunk(trunk: Backbone, weights: Mapping[str, Tensor]) -> LoadedWeights:
    """Copies what `weights` has, by name; ConfigError for those of another architecture.

    `folded_batch_norm` is true when the file's batch norms do nothing but add a bias: such
    weights serve frozen batch norm only.
    """
    expected = trunk.state_dict()
    known = {name: tensor for name, tensor in weights.items() if name in expected}
    _refuse_others(trunk, expected, weights, known)
    trunk.load_state_dict(known, strict=False)
    missing = {
        name.split(".")[0]
        for name in expected
        if name not in known and not name.endswith("num_batches_tracked")
    }
    return LoadedWeights(tuple(sorted(missing)), _folded(known))


def _refuse_others(
    trunk: Backbone,
    expected: Mapping[str, Tensor],
    weights: Mapping[str, Tensor],
    known: Mapping[str, Tensor],
) -> None:
    fix = f"Give the weights of a {trunk.architecture}, or take the backbone that they are of."
    if not known:
        raise ConfigError(
            f"The backbone weights share no tensor name with {trunk.architecture}.",
            fix="Give a file with torchvision's names (conv1.weight, layer1.0.conv1.weight, ...).",
        )
    for name, tensor in known.items():
        if tensor.shape != expected[name].shape:
            shapes = f"{tuple(tensor.shape)}, not {tuple(expected[name].shape)}"
            raise ConfigError(f"Backbone weight {name} is {shapes}.", fix=fix)
    # a deeper architecture of the same blocks fits in part, and would serve as a wrong one
    layers = {name.split(".")[0] for name in expected if name.startswith("layer")}
    beyond = [name for name in weights if name.split(".")[0] in layers and name not in expected]
    if beyond:
        raise ConfigError(
            f"The backbone weights have {beyond[0]}, which {trunk.architecture} has not.", fix=fix
        )


def _folded(weights: Mapping[str, Tensor]) -> bool:
    """Batch norm is folded into the convolution when every mean is 0 and every weight 1."""
    norms = [name.removesuffix("running_mean") for name in weights if "running_mean" in name]
    return bool(norms) and all(
        bool((weights[f"{norm}running_mean"] == 0).all())
        and bool((weights.get(f"{norm}weight", torch.zeros(1)) == 1).all())
        for norm in norms
    )
