"""ResNet trunks in torchvision's key names, so that its weight files load as they are.

Knows nothing about detectors: which features a detector takes, and whether it skips the
max-pool, is the detector's own affair.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from slsg_edge.errors import ConfigError

LAYERS = ("layer1", "layer2", "layer3", "layer4")
WIDTHS = (64, 128, 256, 512)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016, fig. 2)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        shortcut: Tensor = self.downsample(x)
        return torch.relu(self.bn2(self.conv2(y)) + shortcut)


class ResNet18(nn.Module):
    """conv1, bn1 and layer1 to layer`depth`, to be wired by the detector's encoder."""

    def __init__(self, depth: int = 4) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        for index in range(depth):
            inputs, outputs = WIDTHS[max(0, index - 1)], WIDTHS[index]
            stride = 1 if index == 0 else 2
            layer = nn.Sequential(
                BasicBlock(inputs, outputs, stride), BasicBlock(outputs, outputs, 1)
            )
            self.add_module(LAYERS[index], layer)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def layers(self) -> list[nn.Module]:
        """layer1, layer2, ... as far as this trunk goes."""
        return [getattr(self, name) for name in LAYERS if hasattr(self, name)]


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """What a weight file gave a trunk: `random` names the layers it had nothing for."""

    random: tuple[str, ...]
    folded_batch_norm: bool


def load_trunk(trunk: nn.Module, weights: Mapping[str, Tensor]) -> LoadedWeights:
    """Copies what `weights` has, by name; a tensor of another shape is a ConfigError.

    `folded_batch_norm` is true when the file's batch norms do nothing but add a bias: such
    weights serve frozen batch norm only.
    """
    own = trunk.state_dict()
    known = {name: tensor for name, tensor in weights.items() if name in own}
    if not known:
        raise ConfigError(
            "The backbone weights share no tensor name with ResNet-18.",
            fix="Give a file with torchvision's names (conv1.weight, layer1.0.conv1.weight, ...).",
        )
    for name, tensor in known.items():
        if tensor.shape != own[name].shape:
            raise ConfigError(
                f"Backbone weight {name} is {tuple(tensor.shape)}, not {tuple(own[name].shape)}.",
                fix="Give the weights of a ResNet-18.",
            )
    trunk.load_state_dict(known, strict=False)
    missing = {
        name.split(".")[0]
        for name in own
        if name not in known and not name.endswith("num_batches_tracked")
    }
    return LoadedWeights(tuple(sorted(missing)), _folded(known))


def _folded(weights: Mapping[str, Tensor]) -> bool:
    """Batch norm is folded into the convolution when every mean is 0 and every weight 1."""
    norms = [name.removesuffix("running_mean") for name in weights if "running_mean" in name]
    return bool(norms) and all(
        bool((weights[f"{norm}running_mean"] == 0).all())
        and bool((weights.get(f"{norm}weight", torch.zeros(1)) == 1).all())
        for norm in norms
    )
