"""FractalAD as the registry has it."""

import dataclasses
from typing import Literal

from slsg_edge.models.fractalad.mode import OBJECT_SHARE, SAMPLE, aligned_share
from slsg_edge.models.fractalad.network import FractalNetwork, network_from_spec
from slsg_edge.models.fractalad.settings import FractalAdSettings
from slsg_edge.models.fractalad.training import training_phase
from slsg_edge.models.recipe import Phases, Recipe, Sample, Say, Workshop


def _resolved(settings: FractalAdSettings, sample: Sample, say: Say) -> FractalAdSettings:
    """With `auto` decided by the training images."""
    if settings.model.mode != "auto":
        return settings
    share = aligned_share(sample(SAMPLE))
    mode: Literal["object", "texture"] = "object" if share >= OBJECT_SHARE else "texture"
    say(
        f"Mode {mode}: {100 * share:.0f} % of what varies within the images lies at the same "
        f"place in each; from {100 * OBJECT_SHARE:.0f} % on it is an object. "
        "--set model.mode=... decides otherwise."
    )
    return dataclasses.replace(settings, model=dataclasses.replace(settings.model, mode=mode))


def _phases(network: FractalNetwork, workshop: Workshop) -> Phases:
    settings: FractalAdSettings = workshop.settings
    pairs = workshop.pairs(settings.training.batch)
    return [lambda: training_phase(network, pairs, settings, workshop.device)]


FRACTALAD = Recipe(
    "Small and large damage to surfaces and parts; learns from fractal patches, without textures.",
    FractalAdSettings,
    network_from_spec,
    _phases,
    resolved=_resolved,
)
