"""FractalAD's tables; the defaults are the official code's numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from slsg_edge.config import require
from slsg_edge.models.fractalad.network import FractalSpec
from slsg_edge.synthesis.anomalies import Simulator, TextureSource
from slsg_edge.synthesis.fractal_patches import FractalSettings, FractalSimulator
from slsg_edge.training.settings import TrainSettings, require_optimiser, require_positive


@dataclass(frozen=True, slots=True)
class FractalTraining:
    """batch: normal images an iteration, with as many simulated anomalies from them.

    texture_weight_decay: where there is no student. distillation: weight of the student's loss;
    0 leaves it as it was drawn, for ablations.
    """

    iterations: int = 1200
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-3
    texture_weight_decay: float = 1e-2
    distillation: float = 1.0

    def __post_init__(self) -> None:
        require_positive("training.iterations", self.iterations)
        require_positive("training.batch", self.batch)
        require_optimiser("training", self.learning_rate, self.weight_decay)
        require_optimiser("training", self.learning_rate, self.texture_weight_decay)
        weight = self.distillation
        require(weight >= 0, f"training.distillation is {weight}.", "Give 0 or more.")


@dataclass(frozen=True, slots=True)
class FractalAdSettings(TrainSettings):
    """model: the network. fractal: how anomalies are simulated. training: the one phase."""

    model: FractalSpec = field(default_factory=FractalSpec)
    fractal: FractalSettings = field(default_factory=FractalSettings)
    training: FractalTraining = field(default_factory=FractalTraining)

    @property
    def needs_all_layers(self) -> bool:
        return True

    @property
    def takes_textures(self) -> bool:
        return False

    @property
    def without_effect(self) -> Mapping[str, str]:
        return {"synthesis": "FractalAD simulates anomalies by its own rules, those of [fractal]"}

    def simulator(self, textures: TextureSource) -> Simulator:
        """Of the image alone: `textures` take no part."""
        return FractalSimulator(self.fractal)

    def hints(self, device: str) -> Iterator[str]:
        if device == "cpu" and self.training.iterations * self.training.batch > 10_000:
            yield (
                f"{self.training.iterations} iterations of {self.training.batch} pairs take hours "
                "on a CPU; --set training.batch=8 takes a quarter."
            )
