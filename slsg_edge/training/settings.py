"""What decides a training run of any detector, and where things are on this machine.

Knows no detector: each one's own tables stand in a subclass of `TrainSettings` beside it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from slsg_edge.config import require
from slsg_edge.errors import ConfigError
from slsg_edge.machine.host import memory_mb
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.synthesis.anomalies import AnomalySimulator, Simulator, TextureSource
from slsg_edge.synthesis.settings import SynthesisSettings

MEBIBYTE = 2**20
GIGABYTE = 1e9
FEWEST_FOLDS = 2
LARGEST_SEED = 2**32 - 1  # of what PyTorch and NumPy take alike


@dataclass(frozen=True, slots=True)
class Start:
    """What defaults may depend on, before any image is read.

    device: the kind that trains: `cpu`, `cuda` or `mps`. weights: of the backbone, as in
    `Resources`. given: what files and options say, a table of tables as in TOML; no default wins
    over it.
    """

    device: str
    weights: str
    given: Mapping[str, Any]

    @property
    def noise(self) -> bool:
        """Whether the backbone starts from it."""
        return self.weights == "none"

    def value(self, table: str, key: str) -> object:
        """What is given for it, None where nothing is."""
        values = self.given.get(table)
        return values.get(key) if isinstance(values, Mapping) else None


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """holdout: share of the good images kept for the threshold where there is no validation set;
    0 for a detector that says of each image what it would without that image.

    folds: of the good images, each of which is left out of one more training, so that every image
    has a score that it was not learned for; 0 has none, and holds images out instead.

    model: the detector's spec, which the bundle keeps. synthesis: the product's rules, by which
    anomalies are simulated: to learn from, to prove exports with, to choose a detector by.
    """

    seed: int = 0
    holdout: float = 0.25
    model: object = None
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    synthesis: SynthesisSettings = field(default_factory=SynthesisSettings)
    folds: int = 0

    def __post_init__(self) -> None:
        require(
            0 <= self.seed <= LARGEST_SEED, f"seed is {self.seed}.", f"Give 0 to {LARGEST_SEED}."
        )
        require(0 <= self.holdout < 1, f"holdout is {self.holdout}.", "Give a share below 1.")
        require(
            self.folds == 0 or self.folds >= FEWEST_FOLDS,
            f"folds is {self.folds}.",
            f"Give {FEWEST_FOLDS} or more, as in --folds 5, or leave it out.",
        )

    @property
    def held_out(self) -> float:
        """The share that is held out: with folds every image is learned from."""
        return 0.0 if self.folds else self.holdout

    @classmethod
    def fitting(cls, start: Start) -> "TrainSettings":
        """The defaults of a run that starts like this: what this machine can bear."""
        return cls()

    def fitted(self, start: Start) -> Iterator[str]:
        """What `fitting` decided on the way to these settings, and why, for the user."""
        return iter(())

    @property
    def trains_backbone(self) -> bool:
        """Whether a backbone that starts from noise could become any use."""
        return False

    @property
    def needs_all_layers(self) -> bool:
        """Whether a layer of the backbone that starts from noise makes the detector useless."""
        return False

    @property
    def adapts_batch_norm(self) -> bool:
        """Whether the backbone's batch norm takes statistics of the batches."""
        return False

    @property
    def takes_textures(self) -> bool:
        """Whether foreign textures come into anything that is drawn by these settings."""
        return self.synthesis.takes_textures

    @property
    def memory(self) -> int:
        """Bytes that a run cannot do without, as far as the settings alone decide; 0 if little."""
        return 0

    @property
    def without_effect(self) -> Mapping[str, str]:
        """Tables and keys, as `pretraining.epochs`, that change nothing here, each with why."""
        return {}

    def simulator(self, textures: TextureSource) -> Simulator:
        """What draws the anomalies that this detector learns from."""
        return AnomalySimulator(self.synthesis, textures)

    def hints(self, device: str) -> Iterator[str]:
        """What a user of these settings should know before a run on `device`."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Resources:
    """Where things are on this machine. The number of workers does not change the result.

    backbone_weights: `imagenet`, `none` or a file. textures: photos; None draws procedural ones.
    workers: None takes what is sensible; more than one for each core are never started.
    """

    backbone_weights: str = "imagenet"
    textures: Path | None = None
    device: str = "auto"
    workers: int | None = None


def require_positive(name: str, value: int) -> None:
    require(value >= 1, f"{name} is {value}.", "Give at least 1.")


def require_optimiser(table: str, learning_rate: float, weight_decay: float) -> None:
    """ConfigError for steps that go nowhere or uphill."""
    require(learning_rate > 0, f"{table}.learning_rate is {learning_rate}.", "Give more than 0.")
    require(weight_decay >= 0, f"{table}.weight_decay is {weight_decay}.", "Give 0 or more.")


def require_memory(settings: TrainSettings) -> None:
    """ConfigError for what this machine can never hold: the system would end the run at its end."""
    here = memory_mb()
    if here is None or settings.memory <= here[0] * MEBIBYTE:
        return
    height, width = settings.preprocessing.height, settings.preprocessing.width
    raise ConfigError(
        f"These settings need {settings.memory / GIGABYTE:,.0f} GB of memory at {height}x{width} "
        f"pixels, and this machine has {here[0] * MEBIBYTE / GIGABYTE:.0f} GB.",
        fix="Give a smaller --size, or fewer channels, as in --set model.channels=32.",
    )


def require_textures_used(resources: Resources, taken: bool, who: str) -> None:
    """ConfigError for texture photos that would change nothing."""
    require(
        taken or resources.textures is None,
        f"--textures has no effect: {who} takes none with these settings.",
        "Leave --textures out.",
    )


def require_possible(resources: Resources, settings: TrainSettings, who: str) -> None:
    """ConfigError for what cannot be on this machine, or would change nothing."""
    require_textures_used(resources, settings.takes_textures, who)
    require_memory(settings)


def usable_resources(resources: Resources, settings: TrainSettings) -> Resources:
    """Without the textures that others of the compared detectors take and this one does not."""
    if settings.takes_textures:
        return resources
    return replace(resources, textures=None)
