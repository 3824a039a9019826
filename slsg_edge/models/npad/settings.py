"""N-pad's tables: how its statistics are gathered. No gradient is ever followed.

Of the paper we know the abstract, so every default is ours; docs/detectors/npad.md has the
ablations.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from slsg_edge.config import require, require_shares
from slsg_edge.errors import DatasetError
from slsg_edge.models.backbone_weights import lite0_instead_of
from slsg_edge.models.npad.spec import DEFAULT_BRANCHES, NpadSpec
from slsg_edge.training.settings import Start, TrainSettings, require_positive

MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class StatisticsSettings:
    """neighbourhood: pixels a side of the grid whose features make one Gaussian.

    regularisation: added to each variance of a Gaussian; shrinkage: share of the identity in the
    correlations of the whole image's means and of the coarse cells, None takes what Ledoit and
    Wolf have for so many images. reduction: `projection` is on random
    orthogonal directions, `random` keeps channels by chance, `variance` those that vary most,
    `pca` takes the principal directions; the latter two take one pass more. sample: patches that
    the centroids are found from, in `rounds` of k-means, and each sub-bank.
    """

    batch: int = 8
    neighbourhood: int = 3
    regularisation: float = 1e-3
    shrinkage: float | None = None
    reduction: Literal["projection", "random", "variance", "pca"] = "projection"
    sample: int = 20_000
    rounds: int = 10

    def __post_init__(self) -> None:
        require_positive("training.batch", self.batch)
        require_positive("training.sample", self.sample)
        require_positive("training.rounds", self.rounds)
        require(
            self.neighbourhood in (1, 3, 5),
            f"training.neighbourhood is {self.neighbourhood}.",
            "Give 1, 3 or 5.",
        )
        require(
            self.regularisation > 0,
            f"training.regularisation is {self.regularisation}.",
            "Give more than 0: without it a direction in which nothing varies counts for ever.",
        )
        if self.shrinkage is not None:
            require_shares("training.shrinkage", self.shrinkage)


@dataclass(frozen=True, slots=True)
class NpadSettings(TrainSettings):
    """model: the graph. training: the statistics. holdout: none, since each image is left out
    once."""

    holdout: float = 0.0
    model: NpadSpec = field(default_factory=lambda: NpadSpec(branches=DEFAULT_BRANCHES))
    training: StatisticsSettings = field(default_factory=StatisticsSettings)

    def __post_init__(self) -> None:
        super(NpadSettings, self).__post_init__()
        require(
            self.folds == 0,
            f"folds is {self.folds}, and N-pad leaves out each good image by itself, exactly, "
            "without any more training.",
            "Leave --folds out.",
        )
        require(
            self.training.sample >= self.model.centroids,
            f"training.sample is {self.training.sample}, less than the centroids.",
            f"Give at least {self.model.centroids}, or fewer model.centroids.",
        )

    @classmethod
    def fitting(cls, start: Start) -> "NpadSettings":
        """ResNet-18, or the backbone whose weights came by pip where those of ResNet-18 cannot be
        had."""
        if _why_lite0(start) is None:
            return cls()
        return cls(model=NpadSpec("efficientnet_lite0", branches=DEFAULT_BRANCHES))

    def fitted(self, start: Start) -> Iterator[str]:
        why = _why_lite0(start)
        if why:
            yield (
                f"{why} So the backbone is EfficientNet-Lite0, whose weights came by pip, and not "
                "ResNet-18, which is better: --backbone-weights FILE takes its weights."
            )

    @property
    def needs_all_layers(self) -> bool:
        """Nothing is learned, so a layer of noise stays one."""
        return True

    def require_images(self, images: int) -> None:
        """DatasetError for fewer than a covariance needs: as many patches as it has directions."""
        needed = self.images_needed()
        if images >= needed:
            return
        raise DatasetError(
            f"There are {images} good images to train on, and N-pad needs {needed} with "
            f"model.channels = {self.model.channels} and training.neighbourhood = "
            f"{self.training.neighbourhood}.",
            fix="Add good images: 50 are a start, a few hundred are better.",
        )

    def images_needed(self) -> int:
        """The least number of training images: one more, since each is left out once."""
        return math.ceil(self.model.channels / self.training.neighbourhood**2) + 1

    @property
    def memory(self) -> int:
        """Sums in FP64, their box filter, and the covariances."""
        rows, columns = self.model.grid(self.preprocessing.height, self.preprocessing.width)
        return 3 * 8 * rows * columns * self.model.channels**2

    def hints(self, device: str) -> Iterator[str]:
        height, width = self.preprocessing.height, self.preprocessing.width
        graph = self.model.gaussian_bytes(height, width)
        yield (
            f"the Gaussians add {graph / MEGABYTE:.0f} MB to each graph and engine and take "
            f"{self.memory / MEGABYTE:.0f} MB of memory in training; a model.rank or fewer "
            "model.channels make it less."
        )


def _why_lite0(start: Start) -> str | None:
    """What keeps ResNet-18's weights away, where nobody asked for a backbone or for others."""
    if start.weights != "imagenet" or start.value("model", "backbone") is not None:
        return None
    return lite0_instead_of("resnet18")
