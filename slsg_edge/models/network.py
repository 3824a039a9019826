"""What every detector's network is, and what detectors refuse alike, in the same words.

Knows no detector by name.
"""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from slsg_edge.bundle.tolerances import Tolerance
from slsg_edge.config import require
from slsg_edge.models.backbones import LAYERS, Backbone


class Network(nn.Module):
    """Normalised RGB (N, 3, H, W) to a tuple, anomaly logits (N, 1, H, W) first.

    score_pixels: the image score is the mean of so many largest pixels of the map; None is the
    mean of all. scores_images: logits (N, 1) of the image score come second, and the map is only
    shown. keep_fp32, keep_fp16: shell patterns of nodes that stay in FP32, or out of INT8,
    beside what the rules of `export.island` find by themselves. tolerances: by precision, where
    maps of this detector move more or less than the defaults were measured for.
    """

    score_pixels: int | None = 100
    scores_images: bool = False
    keep_fp32: ClassVar[tuple[str, ...]] = ()
    keep_fp16: ClassVar[tuple[str, ...]] = ()
    tolerances: ClassVar[Mapping[str, Tolerance]] = {}

    @property
    def backbone(self) -> Backbone:
        """The trunk that takes ImageNet weights."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        raise NotImplementedError


def require_resolution(who: str, height: int, width: int, *, stride: int, smallest: int) -> None:
    """ConfigError unless both sides are multiples of `stride` from `smallest` upwards."""
    require(
        all(side >= smallest and side % stride == 0 for side in (height, width)),
        f"{who} cannot work at {height}x{width} pixels.",
        f"Give multiples of {stride} from {smallest} upwards, as in 256.",
    )


def require_layers(layers: tuple[int, ...]) -> None:
    """ConfigError unless these are layers of a backbone, by number, shallowest first."""
    known = range(1, len(LAYERS) + 1)
    require(
        bool(layers) and list(layers) == sorted(set(layers) & set(known)),
        f"model.layers is {list(layers)}.",
        f"Give some of 1 to {len(LAYERS)}, each once and in order, as in [2, 3].",
    )


def require_score_pixels(pixels: int, height: int, width: int) -> None:
    """ConfigError for a score of more pixels than a map has."""
    require(
        pixels <= height * width,
        f"model.score_pixels is {pixels}, more than {height}x{width} pixels.",
        f"Give {height * width} at most.",
    )
