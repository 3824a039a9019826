"""What N-pad's graph is made of, and how large it gets. Knows nothing about how it is filled."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from slsg_edge.config import require, require_shares
from slsg_edge.models.backbones import AnyArchitecture, widths_of
from slsg_edge.models.network import require_layers

FLOAT = 4  # bytes
LARGEST_TOPK = 3839  # of TensorRT
Branch: TypeAlias = Literal["gaussian", "centroids", "bank", "cells", "whole"]
MAP_BRANCHES: tuple[Branch, ...] = ("gaussian", "centroids", "bank")
DEFAULT_BRANCHES: tuple[Branch, ...] = ("gaussian", "bank", "cells", "whole")


@dataclass(frozen=True, slots=True)
class NpadSpec:
    """With the model resolution, all that is needed to build what a weight file fits.

    layers: whose features make a patch, on a grid with a cell every `stride` pixels. channels: of
    a patch, once reduced. rank: directions of each Gaussian that are kept, the rest being alike;
    0 keeps all. combine: the sum of both distances, the larger, or one of them alone; `auto` weighs
    them, and the whole image's, as parts simulated anomalies from good images best. whole: add the
    distance of the whole image's mean features, for what is wrong nowhere in particular.
    smoothing: of the map, in pixels; score_share: the image score is the mean of so large a share
    of the map, its largest pixels.

    branches: distances that are calibrated apart, by good images that were left out, and fused by
    the smallest p-value; `auto` then opens those that part simulated anomalies from good images
    best, `max` opens all. Without branches, or with another `combine`, distances are summed as
    said above. bank: patches that are kept of all good images, in `sub_banks` of different
    images; cells: a side of the coarse grid.
    """

    backbone: AnyArchitecture = "resnet18"
    layers: tuple[int, ...] = (2, 3)
    stride: int = 8
    channels: int = 64
    rank: int = 0
    centroids: int = 1024
    combine: Literal["auto", "sum", "max", "mahalanobis", "euclidean"] = "auto"
    whole: bool = True
    smoothing: float = 4.0
    score_share: float = 0.02
    branches: tuple[Branch, ...] = ()
    bank: int = 2048
    sub_banks: int = 8
    cells: int = 4

    def __post_init__(self) -> None:
        require_layers(self.layers)
        require(self.stride in (4, 8, 16), f"model.stride is {self.stride}.", "Give 4, 8 or 16.")
        fewest = sum(widths_of(self.backbone)[layer - 1] for layer in self.layers)
        require(
            1 <= self.channels <= fewest,
            f"model.channels is {self.channels}.",
            f"Give 1 to {fewest}, what layers {list(self.layers)} have at least.",
        )
        require(
            0 <= self.rank < self.channels,
            f"model.rank is {self.rank}.",
            f"Give less than the {self.channels} channels, or 0 for all.",
        )
        require(self.centroids >= 1, f"model.centroids is {self.centroids}.", "Give at least 1.")
        require(
            0 < self.smoothing <= 32,
            f"model.smoothing is {self.smoothing}.",
            "Give 0 to 32 pixels.",
        )
        require_shares("model.score_share", self.score_share)
        self._require_branches()

    def _require_branches(self) -> None:
        named = list(self.branches)
        require(
            len(set(named)) == len(named) and (not named or bool(set(named) & set(MAP_BRANCHES))),
            f"model.branches is {named}.",
            f"Give each once, and one of {', '.join(MAP_BRANCHES)} for the map.",
        )
        require(
            2 <= self.sub_banks <= self.bank,
            f"model.sub_banks is {self.sub_banks}, and model.bank is {self.bank}.",
            "Give at least 2 sub-banks and as many patches.",
        )
        require(self.cells >= 1, f"model.cells is {self.cells}.", "Give at least 1 cell a side.")

    @property
    def fused(self) -> tuple[Branch, ...]:
        """The branches of which the smallest p-value counts, maps first; none where distances are
        summed."""
        if self.combine not in ("auto", "max"):
            return ()
        wanted = [branch for branch in self.branches if branch != "whole" or self.whole]
        return tuple(sorted(wanted, key=lambda branch: branch not in MAP_BRANCHES))

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Cells of the map before it is enlarged."""
        return height // self.stride, width // self.stride

    def score_pixels(self, height: int, width: int) -> int:
        return min(LARGEST_TOPK, max(1, round(self.score_share * height * width)))

    def gaussian_bytes(self, height: int, width: int) -> int:
        """What the Gaussians add to the bundle's graphs and to an engine."""
        rows, columns = self.grid(height, width)
        directions = self.rank or self.channels
        beside = self.channels + 1 if self.rank else 0
        return rows * columns * (directions * (self.channels + 1) + beside) * FLOAT
