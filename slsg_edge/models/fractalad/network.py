"""FractalAD's network: what a student of good images knows less well than its teacher, segmented.

In object mode the head sees the student's features, weighted with where the two differ. In
texture mode there is no student, and the head sees the frozen teacher's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from slsg_edge.config import require
from slsg_edge.models.backbones import LAYERS, Architecture, Trunk
from slsg_edge.models.fractalad.attention import CosineAttention
from slsg_edge.models.fractalad.head import PyramidHead
from slsg_edge.models.recipe import Network
from slsg_edge.models.requirements import require_resolution, require_score_pixels

SHALLOWEST = 2  # layers: of one there is no pyramid


@dataclass(frozen=True, slots=True)
class FractalSpec:
    """With the model resolution, all that is needed to build what a weight file fits.

    depth: layers of the backbone that are looked at; 0 is as many of the paper's 4 as the weights
    have. mode: `auto` looks at the training images, see `mode`. head: `fam` is the paper's flow
    alignment, `fpn` adds without it and needs no GridSample. score_pixels: the image score is the
    mean of so many largest pixels; 0, the paper's, is the mean of the whole map.
    """

    backbone: Architecture = "resnet18"
    depth: int = 0
    mode: Literal["auto", "object", "texture"] = "auto"
    head: Literal["fam", "fpn"] = "fam"
    score_pixels: int = 0

    def __post_init__(self) -> None:
        require(
            self.depth == 0 or SHALLOWEST <= self.depth <= len(LAYERS),
            f"model.depth is {self.depth}.",
            f"Give {SHALLOWEST} to {len(LAYERS)} layers, or 0 for what the weights have.",
        )
        pixels = self.score_pixels
        require(pixels >= 0, f"model.score_pixels is {pixels}.", "Give 0, the whole map, or more.")


class FractalNetwork(Network):
    """What is still open is built as the paper's: an object, four layers."""

    keep_fp32 = ("network.attention*", "network.head.alignments*")
    keep_fp16 = ("network.head.out*",)

    def __init__(self, spec: FractalSpec, grids: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.score_pixels = spec.score_pixels or None
        self.teacher = Trunk(spec.backbone, len(grids))
        self.teacher.requires_grad_(False)
        self.student: Trunk | None = None
        if spec.mode != "texture":
            self.student = Trunk(spec.backbone, len(grids))
        self.attention = CosineAttention()
        self.head = PyramidHead(self.teacher.widths, grids, aligned=spec.head == "fam")

    @property
    def backbone(self) -> Trunk:
        return self.teacher

    def train(self, mode: bool = True) -> "FractalNetwork":
        """The teacher stays as ImageNet left it, batch norm included."""
        super().train(mode)
        self.teacher.eval()
        return self

    def seen(self, x: Tensor) -> list[Tensor]:
        """What the head is given; in training without gradients, see `training`."""
        taught: list[Tensor] = self.teacher(x)
        if self.student is None:
            return taught
        return [self.attention(*pair) for pair in zip(taught, self.student(x), strict=True)]

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (self.head(self.seen(x)),)


def network_from_spec(spec: FractalSpec, height: int, width: int) -> FractalNetwork:
    """Untrained; ConfigError for a resolution that the strides do not divide."""
    depth = spec.depth or len(LAYERS)
    deepest = 2 ** (depth + 1)
    require_resolution("FractalAD", height, width, stride=deepest, smallest=2 * deepest)
    require_score_pixels(spec.score_pixels, height, width)
    strides = [2 ** (level + 2) for level in range(depth)]
    return FractalNetwork(spec, [(height // stride, width // stride) for stride in strides])
