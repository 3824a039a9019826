"""FractalAD's network: what a student of good images knows less well than its teacher, segmented.

In object mode the head sees the student's features, weighted with where the two differ. In
texture mode there is no student, and the head sees the frozen teacher's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from slsg_edge.config import require
from slsg_edge.models.backbones import LAYERS, Architecture, Trunk
from slsg_edge.models.fractalad.head import PyramidHead
from slsg_edge.models.network import Network, require_resolution, require_score_pixels

# Of a product of squared lengths: where one side is all zero, the cosine is 0.
EPSILON = 1e-12
# Cells a side whose mean colours are compared.
GRID = 32
# Measured: bottle 0.99, juice_bottle 0.84, magnetic_tile 0.38, crops of one texture at most 0.01.
OBJECT_SHARE = 0.5
SAMPLE = 64  # images

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


def cosine(taught: Tensor, learned: Tensor) -> Tensor:
    """Cosine of two (N, C, H, W) over channels: FP32 (N, 1, H, W).

    A product with rsqrt, as engines know it; FP16 would overflow in sums of squares.
    """
    taught, learned = taught.float(), learned.float()
    products = (taught * learned).sum(1, keepdim=True)
    squares = taught.square().sum(1, keepdim=True) * learned.square().sum(1, keepdim=True)
    return products * torch.rsqrt(squares.clamp(min=EPSILON))


class CosineAttention(nn.Module):
    """The student's features times (1 - cosine) / 2: nearly nothing where it knows its teacher."""

    def forward(self, taught: Tensor, learned: Tensor) -> Tensor:
        difference: Tensor = (1 - cosine(taught, learned)) / 2
        return difference * learned.float()


def aligned_share(frames: NDArray[np.uint8]) -> float:
    """Of the variance within images (N, H, W, 3), the share that their mean image has.

    It tells a product from a texture: ours, where the official code lists the categories by name.
    A product that lies where the one before it lay looks alike from image to image at each place;
    a texture has nothing to do with the place.

    Near 1 for a product in its fixture, near 0 for a texture; N images of noise have 1 / N of it
    by chance, which is taken off. 0 for images without any variance.
    """
    size = (GRID, GRID)
    cells = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames])
    cells = cells.astype(np.float32)
    cells -= cells.mean((1, 2), keepdims=True)
    total = float(np.square(cells).mean())
    mean = float(np.square(cells.mean(0)).mean())
    by_chance = total / len(cells)
    return (mean - by_chance) / (total - by_chance) if total > 0 and len(cells) > 1 else 0.0
