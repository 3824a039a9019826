"""FractalAD as the registry has it."""

import dataclasses

from slsg_edge.models.backbones import LAYERS
from slsg_edge.models.fractalad.network import (
    OBJECT_SHARE,
    SAMPLE,
    SHALLOWEST,
    FractalNetwork,
    aligned_share,
    network_from_spec,
)
from slsg_edge.models.fractalad.settings import FractalAdSettings
from slsg_edge.models.fractalad.training import training_phase
from slsg_edge.models.recipe import Notify, Phases, Recipe, TrainingContext, TrainingInputs

TRIAL_ITERATIONS, TRIAL_BATCH = 60, 8  # on a CPU


def _resolved(
    settings: FractalAdSettings, inputs: TrainingInputs, notify: Notify
) -> FractalAdSettings:
    """The depth by the backbone's weights, the mode by the training images."""
    model = settings.model
    if model.depth == 0:
        model = dataclasses.replace(model, depth=max(SHALLOWEST, inputs.layers))
        if inputs.layers < len(LAYERS):
            notify(f"Depth {model.depth}: the backbone weights have no more layers.")
    if model.mode == "auto":
        share = aligned_share(inputs.sample(SAMPLE))
        model = dataclasses.replace(model, mode="object" if share >= OBJECT_SHARE else "texture")
        notify(
            f"Mode {model.mode}: {100 * share:.0f} % of what varies within the images lies at the "
            f"same place in each; from {100 * OBJECT_SHARE:.0f} % on it is an object. "
            "--set model.mode=... decides otherwise."
        )
    return dataclasses.replace(settings, model=model)


def _trial(settings: FractalAdSettings, device: str) -> FractalAdSettings:
    """On a CPU a first look; a GPU takes minutes for all of it."""
    if device != "cpu":
        return settings
    whole = settings.training
    short = dataclasses.replace(
        whole,
        iterations=min(whole.iterations, TRIAL_ITERATIONS),
        batch=min(whole.batch, TRIAL_BATCH),
    )
    return dataclasses.replace(settings, training=short)


def _phases(network: FractalNetwork, context: TrainingContext[FractalAdSettings]) -> Phases:
    settings = context.settings
    pairs = context.pairs(settings.training.batch)
    return [lambda: training_phase(network, pairs, settings, context.device)]


FRACTALAD = Recipe(
    "Small and large damage to surfaces and parts; learns from fractal patches, without textures.",
    FractalAdSettings,
    network_from_spec,
    _phases,
    trial=_trial,
    resolved=_resolved,
)
