"""N-pad: a frozen trunk and the head over its layers. Logits from normalised pixels.

After Jang, Hwang and Park (arXiv 2210.08768), of which we know the abstract: Gaussians per place
from the neighbourhood's features, and distance to centroids of nominal features, combined. All
numbers, the normalisation, the combination and the whole image's distance are ours.
"""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from slsg_edge.bundle.tolerances import Tolerance
from slsg_edge.models.backbones import Backbone, backbone_of
from slsg_edge.models.network import Network, require_resolution
from slsg_edge.models.npad.head import DistanceHead
from slsg_edge.models.npad.spec import NpadSpec

STRIDE = 32  # what every layer and grid divides
SMALLEST = 64


class NpadNetwork(Network):
    """The trunk goes no deeper than the layers asked for, so that partial weights do."""

    keep_fp32: ClassVar[tuple[str, ...]] = ("network.head*",)
    # A distance is something everywhere, where other maps are next to nothing: on bottle one grey
    # level of noise moves the map by 3.4e-2 in the mean, INT8 by 3.8e-2. The default, 1e-2, is
    # three grey levels of SLSG's map; so is this of N-pad's.
    tolerances: ClassVar[Mapping[str, Tolerance]] = {
        "int8": Tolerance(map_mean=0.1, map_p999=0.6, score=1.0, rank=0.8)
    }

    def __init__(self, spec: NpadSpec, height: int, width: int) -> None:
        super().__init__()
        self.spec = spec
        self.score_pixels = spec.score_pixels(height, width)
        self.scores_images = bool(spec.fused)
        self.trunk = backbone_of(spec.backbone, max(spec.layers))
        widths = [self.trunk.widths[layer - 1] for layer in spec.layers]
        self.head = DistanceHead(spec, widths, height, width)
        self.requires_grad_(False)

    @property
    def backbone(self) -> Backbone:
        return self.trunk

    def features(self, x: Tensor) -> list[Tensor]:
        """Of the layers that make a patch."""
        return self.trunk.features(x, self.spec.layers)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        found: tuple[Tensor, ...] = self.head(self.features(x))
        return found


def network_from_spec(spec: NpadSpec, height: int, width: int) -> NpadNetwork:
    """Empty; ConfigError for a resolution that the strides do not divide."""
    require_resolution("N-pad", height, width, stride=STRIDE, smallest=SMALLEST)
    return NpadNetwork(spec, height, width)
