"""What detectors refuse alike, in the same words. Knows no detector by name."""

from slsg_edge.config import require
from slsg_edge.models.backbones import LAYERS


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
