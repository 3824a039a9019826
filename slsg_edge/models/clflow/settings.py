"""CL-Flow's tables. The paper's numbers are not published: these are ours.

TOML and the command line meet here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from slsg_edge.config import require, require_shares
from slsg_edge.models.clflow.network import ClflowSpec
from slsg_edge.training.settings import TrainSettings, require_optimiser, require_positive


@dataclass(frozen=True, slots=True)
class ClflowLossSettings:
    """What is added to the likelihood of good images; 0 leaves a part out, both leave FastFlow.

    smoothing: of the classification's labels, the paper's tau. surroundings: what is good around
    an anomaly weighs so much, against 1 of the anomaly itself. margin: the cosine above which an
    anomaly's box is still too much like the same box of the good image. projection: channels
    that z is projected to for the contrast; 0 contrasts z itself.
    """

    classification: float = 0.1
    contrast: float = 0.1
    smoothing: float = 0.1
    surroundings: float = 0.0
    margin: float = 0.0
    projection: int = 64

    def __post_init__(self) -> None:
        require(
            min(self.classification, self.contrast, self.projection) >= 0,
            "A number of training.loss is negative.",
            "Give 0 or more.",
        )
        shares = self.smoothing, self.surroundings, self.margin
        require_shares("A number of training.loss", *shares)


@dataclass(frozen=True, slots=True)
class FlowTraining:
    """batch: good images an iteration, with as many simulated anomalies from them.

    warm_up: share of the iterations that see the likelihood of good images alone.
    """

    iterations: int = 500
    batch: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 1e-5
    warm_up: float = 0.2
    loss: ClflowLossSettings = field(default_factory=ClflowLossSettings)

    def __post_init__(self) -> None:
        require_positive("training.iterations", self.iterations)
        require_positive("training.batch", self.batch)
        require_optimiser("training", self.learning_rate, self.weight_decay)
        require_shares("training.warm_up", self.warm_up)


@dataclass(frozen=True, slots=True)
class ClflowSettings(TrainSettings):
    """model: which layers and flows. training: of the flows; the backbone is never trained."""

    model: ClflowSpec = field(default_factory=ClflowSpec)
    training: FlowTraining = field(default_factory=FlowTraining)

    @property
    def needs_all_layers(self) -> bool:
        """The flows learn what features good images have, of whatever layer."""
        return True

    def hints(self, device: str) -> Iterator[str]:
        if device == "cpu":
            yield "the flows want a GPU; model.layers=[3] and model.kernels=[3,1] cost less."
