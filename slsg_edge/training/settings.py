"""Everything that decides what a training run gives: TOML tables and the command line meet here.

The defaults are SLSG's: of stage 2 the official code's numbers, of stage 1 our proposal, since
the paper gives none.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from slsg_edge.errors import ConfigError
from slsg_edge.models.slsg.network import SlsgSpec
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.synthesis.settings import SynthesisSettings


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
    weight_decay: float = 1e-2
    shuffle_grids: tuple[int, ...] = (4, 8)
    shuffled: tuple[float, float] = (0.25, 0.75)
    masked: tuple[float, float] = (0.3, 0.6)
    mask_cell: int = 32
    jitter: float = 0.1
    ssim_weight: float = 0.5

    @property
    def iterations(self) -> int:
        if self.task == "none":
            return 0
        return self.epochs * self.samples_per_epoch // self.batch


@dataclass(frozen=True, slots=True)
class LossSettings:
    focal: float = 0.4
    l1: float = 0.6
    auxiliary: float = 0.3
    gamma: float = 4.0
    smoothing: float = 1e-5


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
        if self.seed < 0:
            raise ConfigError(f"seed is {self.seed}.", fix="Give 0 or more.")
        for name, value in (
            ("training.iterations", self.training.iterations),
            ("training.batch", self.training.batch),
            ("pretraining.batch", self.pretraining.batch),
        ):
            if value < 1:
                raise ConfigError(f"{name} is {value}.", fix="Give at least 1.")
        if not 0 <= self.holdout < 1:
            raise ConfigError(f"holdout is {self.holdout}.", fix="Give a share, 0 to below 1.")


@dataclass(frozen=True, slots=True)
class Resources:
    """What a run may use; none of it changes the result on one machine.

    backbone_weights: `imagenet`, `none` or a file.
    """

    backbone_weights: str = "imagenet"
    textures: Path | None = None
    device: str = "auto"
    workers: int | None = None
