"""Everything that decides what a training run gives: TOML tables and the command line meet here.

The defaults are SLSG's: of stage 2 the official code's numbers, of stage 1 our proposal, since
the paper gives none.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from slsg_edge.config import require, require_shares
from slsg_edge.models.slsg.network import SlsgSpec
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.synthesis.settings import SynthesisSettings

LARGEST_SEED = 2**32 - 1  # of what PyTorch and NumPy take alike


@dataclass(frozen=True, slots=True)
class PretrainSettings:
    """Stage 1. task: how the image is corrupted that the encoder learns to put right.

    shuffle_grids: cells a side, one drawn per image; shuffled: the least and largest share of
    the cells that change places; masked: the same for cells of `mask_cell` pixels at 256x256.
    """

    task: Literal["shuffle", "mask", "both", "none"] = "both"
    epochs: int = 75
    samples_per_epoch: int = 3000
    batch: int = 16
    learning_rate: float = 1e-4
    schedule: Literal["cosine", "constant"] = "cosine"
    weight_decay: float = 1e-2
    shuffle_grids: tuple[int, ...] = (4, 8)
    shuffled: tuple[float, float] = (0.25, 0.75)
    masked: tuple[float, float] = (0.3, 0.6)
    mask_cell: int = 32
    jitter: float = 0.1
    ssim_weight: float = 0.5

    def __post_init__(self) -> None:
        _require_positive("pretraining.batch", self.batch)
        _require_optimiser("pretraining", self.learning_rate, self.weight_decay)
        require(
            self.iterations >= 1,
            f"{self.epochs} epochs of {self.samples_per_epoch} images are no pretraining.",
            "Give more, or pretraining.task = 'none'.",
        )
        require(
            bool(self.shuffle_grids) and min(self.shuffle_grids) >= 2,
            f"pretraining.shuffle_grids is {list(self.shuffle_grids)}.",
            "Give one or more numbers of cells a side, each at least 2.",
        )
        _require_positive("pretraining.mask_cell", self.mask_cell)
        shares = *self.shuffled, *self.masked, self.jitter, self.ssim_weight
        require_shares("A number of pretraining", *shares)

    @property
    def iterations(self) -> int:
        return self.epochs * self.samples_per_epoch // self.batch


@dataclass(frozen=True, slots=True)
class LossSettings:
    focal: float = 0.4
    l1: float = 0.6
    auxiliary: float = 0.3
    gamma: float = 4.0
    smoothing: float = 1e-5

    def __post_init__(self) -> None:
        numbers = self.focal, self.l1, self.auxiliary, self.gamma, self.smoothing
        require(min(numbers) >= 0, "A number of training.loss is negative.", "Give 0 or more.")


@dataclass(frozen=True, slots=True)
class StageTwoSettings:
    """batch: normal images an iteration, with as many simulated anomalies from them.

    encoder_batch_norm: `batch` is the paper's, statistics of the mixed batch although the
    weights are frozen; `frozen` keeps the running ones. encoder: `frozen` is the paper's;
    `trained` lets it learn from the anomalies too, for trunks that start from noise.
    """

    iterations: int = 3501
    batch: int = 4
    learning_rate: float = 0.04
    momentum: float = 0.9
    weight_decay: float = 3e-5
    encoder: Literal["frozen", "trained"] = "frozen"
    encoder_batch_norm: Literal["batch", "frozen"] = "batch"
    loss: LossSettings = field(default_factory=LossSettings)

    def __post_init__(self) -> None:
        _require_positive("training.iterations", self.iterations)
        _require_positive("training.batch", self.batch)
        _require_optimiser("training", self.learning_rate, self.weight_decay)
        require_shares("training.momentum", self.momentum)


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """holdout: share of the good images kept for the threshold where there is no validation set."""

    seed: int = 0
    holdout: float = 0.1
    model: SlsgSpec = field(default_factory=SlsgSpec)
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    pretraining: PretrainSettings = field(default_factory=PretrainSettings)
    training: StageTwoSettings = field(default_factory=StageTwoSettings)
    synthesis: SynthesisSettings = field(default_factory=SynthesisSettings)

    def __post_init__(self) -> None:
        require(
            0 <= self.seed <= LARGEST_SEED, f"seed is {self.seed}.", f"Give 0 to {LARGEST_SEED}."
        )
        require(0 <= self.holdout < 1, f"holdout is {self.holdout}.", "Give a share below 1.")


@dataclass(frozen=True, slots=True)
class Resources:
    """Where things are on this machine. The number of workers does not change the result.

    backbone_weights: `imagenet`, `none` or a file. textures: photos; None draws procedural ones.
    """

    backbone_weights: str = "imagenet"
    textures: Path | None = None
    device: str = "auto"
    workers: int | None = None


def _require_positive(name: str, value: int) -> None:
    require(value >= 1, f"{name} is {value}.", "Give at least 1.")


def _require_optimiser(table: str, learning_rate: float, weight_decay: float) -> None:
    require(learning_rate > 0, f"{table}.learning_rate is {learning_rate}.", "Give more than 0.")
    require(weight_decay >= 0, f"{table}.weight_decay is {weight_decay}.", "Give 0 or more.")
