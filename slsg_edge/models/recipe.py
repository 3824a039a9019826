"""What a detector brings, and what it is given to learn with. Knows no detector by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from slsg_edge.models.network import Network
from slsg_edge.synthesis.anomalies import TextureSource
from slsg_edge.training.device import Device
from slsg_edge.training.feed import PairBatches
from slsg_edge.training.frames import StoredFrames
from slsg_edge.training.loop import Phase
from slsg_edge.training.settings import TrainSettings


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a run has: images and textures at model resolution, and a device to compute on."""

    settings: Any
    frames: StoredFrames
    textures: TextureSource
    device: Device

    def pairs(self, batch: int) -> PairBatches:
        """Good images and the anomalies that this detector's settings simulate in them."""
        settings: TrainSettings = self.settings
        simulator = settings.simulator(self.textures)
        return PairBatches(self.frames, simulator, settings.seed, batch)


def no_trial(settings: Any, device: str) -> None:
    """Of a detector that takes too long to be tried on the way to a choice."""


Phases: TypeAlias = Sequence[Callable[[], Phase]]
"""Made one after the other, since a phase may freeze what the one before it trained."""

Say: TypeAlias = Callable[[str], None]
"""Tells the user."""


@dataclass(frozen=True, slots=True)
class AtHand:
    """What a run starts from, before there is a network.

    sample: at most so many of the training images, evenly chosen, at model resolution
    (N, H, W, 3). layers: of the backbone, from the first, that the weights have something for;
    all of them where it starts from noise anyway.
    """

    sample: Callable[[int], NDArray[np.uint8]]
    layers: int


def as_given(settings: Any, at_hand: AtHand, say: Say) -> Any:
    """Nothing is left open."""
    return settings


@dataclass(frozen=True, slots=True)
class Recipe:
    """A detector: `summary` for people, `settings` for TOML, and how it is made and trained.

    `network` is untrained, from the spec, height and width; ConfigError for a resolution that it
    cannot have. `phases` trains the network in place; the last phase leaves it as it is exported.
    `trial` is settings and the kind of device (`cpu`, `cuda`, `mps`) to the settings of a training
    that takes minutes, the same or shortened. `resolved` settles what the settings leave to what
    is at hand, and says what it decided and why.
    """

    summary: str
    settings: type[TrainSettings]
    network: Callable[[Any, int, int], Network]
    phases: Callable[[Any, Workshop], Phases]
    trial: Callable[[Any, str], TrainSettings | None] = no_trial
    resolved: Callable[[Any, AtHand, Say], Any] = as_given
