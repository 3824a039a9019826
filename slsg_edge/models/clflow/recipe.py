"""CL-Flow as the registry has it: count how features spread, learn, count how good images score."""

from slsg_edge.models.clflow.descent import Projections, descent_phase
from slsg_edge.models.clflow.network import ClflowNetwork, network_from_spec
from slsg_edge.models.clflow.settings import ClflowSettings
from slsg_edge.models.clflow.statistics import (
    FeatureMoments,
    ScoreMoments,
    score_phase,
    spread_phase,
)
from slsg_edge.models.recipe import Phases, Recipe, TrainingContext
from slsg_edge.training.loop import Phase


def _phases(network: ClflowNetwork, context: TrainingContext[ClflowSettings]) -> Phases:
    settings = context.settings
    pairs = context.pairs(settings.training.batch)
    spreads = [FeatureMoments(flow.shape) for flow in network.flows]
    scores = ScoreMoments()
    # drawn before any phase, or a run that resumes behind the first would draw others
    projections = Projections(network, settings.training.loss.projection)

    def learn() -> Phase:
        for spread, flow in zip(spreads, network.flows, strict=True):
            spread.normalise(flow)
        return descent_phase(network, projections, pairs, settings.training, context.device)

    return [
        lambda: spread_phase(network, spreads, pairs, context.device),
        learn,
        lambda: score_phase(network, scores, pairs, context.device),
    ]


def _trial(settings: ClflowSettings, device: str) -> ClflowSettings | None:
    """Minutes on a GPU as it is; the better part of an hour on a CPU."""
    return settings if device == "cuda" else None


CLFLOW = Recipe(
    "Textures and small defects: a likelihood of features, sharpened by simulated anomalies.",
    ClflowSettings,
    network_from_spec,
    _phases,
    _trial,
)
