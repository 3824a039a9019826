"""SLSG's tables: of stage 2 the official code's numbers, of stage 1 ours, since the paper has none.

TOML and the command line meet here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

from slsg_edge.config import require, require_shares
from slsg_edge.models.slsg.network import SlsgSpec
from slsg_edge.training.settings import (
    Start,
    TrainSettings,
    require_optimiser,
    require_positive,
)


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
        require_positive("pretraining.batch", self.batch)
        require_optimiser("pretraining", self.learning_rate, self.weight_decay)
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
        require_positive("pretraining.mask_cell", self.mask_cell)
        shares = *self.shuffled, *self.masked, self.jitter, self.ssim_weight
        require_shares("A number of pretraining", *shares)

    @property
    def iterations(self) -> int:
        return self.epochs * self.samples_per_epoch // self.batch


@dataclass(frozen=True, slots=True)
class SegmentationLossSettings:
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
    loss: SegmentationLossSettings = field(default_factory=SegmentationLossSettings)

    def __post_init__(self) -> None:
        require_positive("training.iterations", self.iterations)
        require_positive("training.batch", self.batch)
        require_optimiser("training", self.learning_rate, self.weight_decay)
        require_shares("training.momentum", self.momentum)


# What `edge` learns with on a CPU where nothing else is asked for, as it was measured: about seven
# minutes on two cores. The backbone's weights are taken as they are, without a first stage; with
# frozen statistics those serve too whose batch norm is folded in.
ON_A_CPU = StageTwoSettings(iterations=700, encoder_batch_norm="frozen")
# From noise the demo's numbers hold: a first stage that is short and steep, and an encoder that
# goes on learning.
SHORT_PRETRAINING = PretrainSettings(epochs=1, samples_per_epoch=800, learning_rate=1e-3)
FROM_NOISE = StageTwoSettings(iterations=1100, learning_rate=0.1, encoder="trained")


@dataclass(frozen=True, slots=True)
class SlsgSettings(TrainSettings):
    """model: which variant. pretraining: stage 1. training: stage 2."""

    model: SlsgSpec = field(default_factory=SlsgSpec)
    pretraining: PretrainSettings = field(default_factory=PretrainSettings)
    training: StageTwoSettings = field(default_factory=StageTwoSettings)

    @classmethod
    def fitting(cls, start: Start) -> "SlsgSettings":
        """`paper` where there is a GPU; else `edge`, learned in minutes."""
        asked = start.value("model", "variant")
        edge = start.device == "cpu" if asked is None else asked == "edge"
        if not edge:
            return cls(model=SlsgSpec("paper"))
        if start.device != "cpu":
            return cls(model=SlsgSpec("edge"))
        if start.noise:
            return cls(model=SlsgSpec("edge"), pretraining=SHORT_PRETRAINING, training=FROM_NOISE)
        pretraining = PretrainSettings(task="both" if "pretraining" in start.given else "none")
        return cls(model=SlsgSpec("edge"), pretraining=pretraining, training=ON_A_CPU)

    def fitted(self, start: Start) -> Iterator[str]:
        place = "the CPU" if start.device == "cpu" else f"a GPU ({start.device})"
        asked = start.value("model", "variant") is not None
        first = self.pretraining.task != "none"
        before = f"{self.pretraining.iterations} iterations of" if first else "no"
        yield (
            f"SLSG `{self.model.variant}`, {'as asked' if asked else f'as it trains on {place}'}: "
            f"{before} pretraining, {self.training.iterations} iterations of training."
        )

    @property
    def trains_backbone(self) -> bool:
        return self.pretraining.task != "none" or self.training.encoder == "trained"

    @property
    def adapts_batch_norm(self) -> bool:
        return self.training.encoder_batch_norm == "batch"

    @property
    def without_effect(self) -> Mapping[str, str]:
        if self.pretraining.task != "none":
            return {}
        keys = [setting.name for setting in fields(PretrainSettings) if setting.name != "task"]
        return {f"pretraining.{key}": "there is no pretraining" for key in keys}

    def hints(self, device: str) -> Iterator[str]:
        if device == "cpu" and self.model.variant == "paper":
            yield "`paper` is meant for a GPU; --variant edge does an eighth of its work."
