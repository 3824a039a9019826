"""What all backbones have in common: layers named alike, one after the other, and random weights.

Knows no architecture.
"""

from collections.abc import Iterable

from torch import Tensor, nn

LAYERS = ("layer1", "layer2", "layer3", "layer4")


def layers_of(trunk: nn.Module, depth: int) -> list[nn.Module]:
    """layer1, layer2, ... to layer`depth`."""
    return [getattr(trunk, name) for name in LAYERS[:depth]]


def outputs_of(layers: Iterable[nn.Module], x: Tensor) -> list[Tensor]:
    """What each layer gives, the first of x and each further one of what the one before gave."""
    outputs = []
    for layer in layers:
        x = layer(x)
        outputs.append(x)
    return outputs


def randomise(trunk: nn.Module) -> None:
    """The weights of all convolutions (He et al. 2015), as torchvision begins a ResNet."""
    for module in trunk.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
