"""N-pad as the registry has it: a pass over the good images, no gradient, no epochs."""

import functools

from slsg_edge.models.npad.gathering import StatisticsPhases
from slsg_edge.models.npad.network import NpadNetwork, network_from_spec
from slsg_edge.models.npad.reduction import LEARNED, reduction
from slsg_edge.models.npad.scale import scale_phase
from slsg_edge.models.npad.settings import NpadSettings
from slsg_edge.models.recipe import Phases, Recipe, TrainingContext


def _phases(network: NpadNetwork, context: TrainingContext[NpadSettings]) -> Phases:
    settings = context.settings
    settings.require_images(len(context.frames))
    rule = settings.training.reduction
    made = StatisticsPhases(network, context)
    phases = [made.statistics_phase, functools.partial(scale_phase, made)]
    if rule in LEARNED:
        return [made.reduction_phase, *phases]
    head = network.head
    head.set_reduction(reduction(rule, head.features, network.spec.channels, settings.seed))
    return phases


def _trial(settings: NpadSettings, device: str) -> NpadSettings:
    """One pass is quick enough to be tried as it is."""
    return settings


NPAD = Recipe(
    "Deviations from good images, place by place; no training, one pass over the images.",
    NpadSettings,
    network_from_spec,
    _phases,
    _trial,
)
