"""CL-Flow's network: a frozen trunk, one flow for each layer of it, one logit from all of them.

What is exported is FastFlow's graph; all that the simulated anomalies add is spent in training.
Knows nothing about scores or losses.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from slsg_edge.config import require
from slsg_edge.models.backbones import LAYERS, Architecture, Trunk
from slsg_edge.models.clflow.flow import Flow, distance
from slsg_edge.models.network import (
    Network,
    require_layers,
    require_resolution,
    require_score_pixels,
)

SMALLEST_GRID = 4  # cells a side of the deepest layer
SMALLEST_DISTANCE = 1e-4  # that the logarithm sees


@dataclass(frozen=True, slots=True)
class ClflowSpec:
    """layers: of the backbone, 1 to 4, shallowest first. steps: of each flow. hidden: width of a
    step's hidden layer by that of the half it sees. kernels: of the steps' convolutions, in turn.
    score_pixels: the image score is the mean of so many largest pixels of the map; 1 is the
    maximum, FastFlow's.
    """

    backbone: Architecture = "resnet18"
    layers: tuple[int, ...] = (2, 3)
    steps: int = 8
    hidden: float = 1.0
    kernels: tuple[int, ...] = (3,)
    score_pixels: int = 500

    def __post_init__(self) -> None:
        require_layers(self.layers)
        require(
            self.steps >= 2 and self.steps % 2 == 0,
            f"model.steps is {self.steps}.",
            "Give an even number: two steps change every channel once.",
        )
        require(
            0 < self.hidden <= 4, f"model.hidden is {self.hidden}.", "Give more than 0, 4 at most."
        )
        require(
            bool(self.kernels) and all(kernel in (1, 3, 5) for kernel in self.kernels),
            f"model.kernels is {list(self.kernels)}.",
            "Give one or more of 1, 3 and 5, as in [3, 1].",
        )
        require(
            self.score_pixels >= 1, f"model.score_pixels is {self.score_pixels}.", "Give 1 or more."
        )


class Fusion(nn.Module):
    """Distances of all scales to one logit: an affine map of their logarithms.

    The logarithm keeps strong anomalies apart where a sigmoid of the distance itself would call
    all of them 1. The weights learn from the classification loss; `slope` and `offset` then put
    good images where thresholds can be told apart.
    """

    slope: Tensor
    offset: Tensor

    def __init__(self, scales: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(scales))  # of its exponential
        self.bias = nn.Parameter(torch.zeros(()))
        self.register_buffer("slope", torch.ones(()))
        self.register_buffer("offset", torch.zeros(()))

    def weights(self) -> Tensor:
        """Positive: a larger distance is never better."""
        return self.weight.exp()

    def forward(self, distances: Sequence[Tensor]) -> Tensor:
        """(N, 1, h, w) on the finest grid, first of `distances`, as training sees it."""
        grid = distances[0].shape[2:]
        parts = [
            _resized(part.clamp(min=SMALLEST_DISTANCE).log(), grid) * weight
            for part, weight in zip(distances, self.weights(), strict=True)
        ]
        return torch.stack(parts).sum(0) + self.bias

    def calibrated(self, logits: Tensor) -> Tensor:
        return logits * self.slope + self.offset


class Flows(nn.ModuleList):
    """One for each scale, shallowest first."""

    def __iter__(self) -> Iterator[Flow]:
        return iter(self._modules.values())  # type: ignore[arg-type]


class ClflowNetwork(Network):
    """Normalised RGB (N, 3, H, W) to anomaly logits (N, 1, H, W)."""

    keep_fp16 = ("network.flows.*",)

    def __init__(self, spec: ClflowSpec, height: int, width: int) -> None:
        super().__init__()
        self.score_pixels = spec.score_pixels
        self.layers = spec.layers
        self.finest_stride = _strides(spec)[0]
        self.trunk = Trunk(spec.backbone, depth=spec.layers[-1])
        self.flows = Flows(
            _flow(spec, self.trunk.widths[layer - 1], height // stride, width // stride)
            for layer, stride in zip(spec.layers, _strides(spec), strict=True)
        )
        self.fusion = Fusion(len(spec.layers))

    @property
    def backbone(self) -> Trunk:
        return self.trunk

    def features(self, x: Tensor) -> list[Tensor]:
        """Of the layers that have a flow."""
        return self.trunk.features(x, self.layers)

    def logits(self, x: Tensor) -> Tensor:
        """(N, 1, H, W), before calibration."""
        parts = zip(self.flows, self.features(x), strict=True)
        return _resized(self.fusion([distance(flow(part)[0]) for flow, part in parts]), x.shape[2:])

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (self.fusion.calibrated(self.logits(x)),)


def network_from_spec(spec: ClflowSpec, height: int, width: int) -> ClflowNetwork:
    """Untrained; ConfigError for a resolution that the strides do not divide."""
    stride = _strides(spec)[-1]
    who = f"CL-Flow with {LAYERS[spec.layers[-1] - 1]}"
    require_resolution(who, height, width, stride=stride, smallest=SMALLEST_GRID * stride)
    require_score_pixels(spec.score_pixels, height, width)
    return ClflowNetwork(spec, height, width)


def _strides(spec: ClflowSpec) -> list[int]:
    return [2 ** (layer + 1) for layer in spec.layers]


def _flow(spec: ClflowSpec, channels: int, height: int, width: int) -> Flow:
    hidden = max(1, round(spec.hidden * channels / 2))
    return Flow((channels, height, width), spec.steps, hidden, spec.kernels)


def _resized(x: Tensor, size: Sequence[int]) -> Tensor:
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return functional.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)
