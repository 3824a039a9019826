"""SLSG as the registry has it: two stages, the first of which may be left out."""

from slsg_edge.models.recipe import Phases, Recipe, TrainingContext
from slsg_edge.models.slsg.corruption import CorruptionBatches
from slsg_edge.models.slsg.network import SlsgNetwork, network_from_spec
from slsg_edge.models.slsg.pretraining import pretraining_phase
from slsg_edge.models.slsg.segmentation import segmentation_phase
from slsg_edge.models.slsg.settings import SlsgSettings


def _phases(network: SlsgNetwork, context: TrainingContext[SlsgSettings]) -> Phases:
    settings = context.settings
    pairs = context.pairs(settings.training.batch)
    second = [lambda: segmentation_phase(network, pairs, settings, context.device)]
    if settings.pretraining.task == "none":
        return second
    corrupted = CorruptionBatches(context.frames, settings.pretraining, settings.seed)
    return [lambda: pretraining_phase(network, corrupted, settings, context.device), *second]


SLSG = Recipe(
    "Broken rules: parts missing, misplaced or swapped; learns from simulated anomalies.",
    SlsgSettings,
    network_from_spec,
    _phases,
)
