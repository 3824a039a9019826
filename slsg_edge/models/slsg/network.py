"""SLSG's variants by name: logits from normalised pixels. Knows nothing about scores."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from slsg_edge.models.network import require_resolution
from slsg_edge.models.slsg.edge import EdgeNetwork
from slsg_edge.models.slsg.graph import STRIDE
from slsg_edge.models.slsg.paper import PaperNetwork

SlsgNetwork: TypeAlias = PaperNetwork | EdgeNetwork
VARIANTS: dict[str, Callable[[int, int], SlsgNetwork]] = {
    "paper": PaperNetwork,
    "edge": EdgeNetwork,
}
SMALLEST = 96  # pixels a side: below that there are fewer nodes than neighbours to choose from


@dataclass(frozen=True, slots=True)
class SlsgSpec:
    """With the model resolution, all that is needed to build what a weight file fits."""

    variant: Literal["paper", "edge"] = "paper"


def network_from_spec(spec: SlsgSpec, height: int, width: int) -> SlsgNetwork:
    """Untrained; ConfigError for a resolution that the strides do not divide."""
    require_resolution("SLSG", height, width, stride=STRIDE, smallest=SMALLEST)
    return VARIANTS[spec.variant](height, width)
