"""What a detector brings, and what it is given to learn with. Knows no detector by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from slsg_edge.models.network import Network
from slsg_edge.synthesis.anomalies import TextureSource
from slsg_edge.synthesis.simulated import SimulatedSet, anomaly_kinds
from slsg_edge.training.device import TrainingDevice
from slsg_edge.training.feed import PairBatches
from slsg_edge.training.frames import StoredFrames
from slsg_edge.training.loop import Phase
from slsg_edge.training.settings import TrainSettings

SpecT = TypeVar("SpecT")
SettingsT = TypeVar("SettingsT", bound=TrainSettings)
NetworkT = TypeVar("NetworkT", bound=Network)

Phases: TypeAlias = Sequence[Callable[[], Phase]]
"""Made one after the other, since a phase may freeze what the one before it trained."""

Notify: TypeAlias = Callable[[str], None]
"""Takes a line for the user."""


@dataclass(frozen=True, slots=True)
class TrainingContext(Generic[SettingsT]):
    """What the phases of a run are made with.

    settings: of this detector, with nothing left open.
    frames: the training images at model resolution.
    textures: for simulated anomalies, at model resolution.
    device: what computes.
    groups: finds a number for each image, the same for images of one part or film: a score of one
    of them is out of sample only where none of them was learned from. It opens every image.
    """

    settings: SettingsT
    frames: StoredFrames
    textures: TextureSource
    device: TrainingDevice
    groups: Callable[[], Sequence[int]]

    def simulated(self) -> SimulatedSet:
        """Anomalies of several kinds in the images, to try a threshold on."""
        own = self.settings.simulator(self.textures)
        kinds = anomaly_kinds(own, self.settings.synthesis, self.textures)
        return SimulatedSet(self.frames, kinds, self.settings.seed)

    def pairs(self, batch: int) -> PairBatches:
        """Good images and the anomalies that this detector's settings simulate in them."""
        simulator = self.settings.simulator(self.textures)
        return PairBatches(self.frames, simulator, self.settings.seed, batch)


@dataclass(frozen=True, slots=True)
class TrainingInputs:
    """What settings may be completed from, before there is a network.

    sample: at most so many of the training images, evenly chosen, at model resolution
    (N, H, W, 3).
    layers: of the backbone, from the first, that the weights have something for; all of them
    where it starts from noise anyway.
    """

    sample: Callable[[int], NDArray[np.uint8]]
    layers: int


def no_trial(settings: TrainSettings, device: str) -> None:
    """Of a detector that takes too long to be tried on the way to a choice."""


def as_given(settings: SettingsT, inputs: TrainingInputs, notify: Notify) -> SettingsT:
    """Of a detector whose settings leave nothing open."""
    return settings


@dataclass(frozen=True, slots=True)
class Recipe(Generic[SpecT, SettingsT, NetworkT]):
    """A detector: how it is described, made and trained.

    summary: one sentence for people.
    settings: the class that TOML and options fill; its `model` is the spec.
    network: an untrained one from spec, height and width; ConfigError for a resolution that it
    cannot have.
    phases: train the network in place; the last phase leaves it as it is exported.
    trial: settings and the kind of device (`cpu`, `cuda`, `mps`) to the settings of a training
    that takes minutes, the same or shortened; None where there is none.
    resolved: completes the settings from what is there, and tells the user what it decided and why.
    """

    summary: str
    settings: type[SettingsT]
    network: Callable[[SpecT, int, int], NetworkT]
    phases: Callable[[NetworkT, TrainingContext[SettingsT]], Phases]
    trial: Callable[[SettingsT, str], SettingsT | None] = no_trial
    resolved: Callable[[SettingsT, TrainingInputs, Notify], SettingsT] = as_given
