"""Detectors by name. A new detector is a folder beside this file and an entry below."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from slsg_edge.config import settings_from_table, unknown_name
from slsg_edge.contracts import Json
from slsg_edge.models.clflow.recipe import CLFLOW
from slsg_edge.models.fractalad.recipe import FRACTALAD
from slsg_edge.models.names import DEFAULT_DETECTOR, QUICKEST_DETECTOR
from slsg_edge.models.network import Network
from slsg_edge.models.npad.recipe import NPAD
from slsg_edge.models.recipe import Recipe
from slsg_edge.models.slsg.recipe import SLSG
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.training.settings import TrainSettings

AnyRecipe: TypeAlias = Recipe[Any, Any, Any]
"""Which spec, settings and network belong together is known where a recipe is written and checked
there. A table of several detectors forgets it: whoever takes one from it has settings of a class
that he learns from the recipe alone, as `settings_of_run` does.
"""

DETECTORS: dict[str, AnyRecipe] = {
    DEFAULT_DETECTOR: SLSG,
    "clflow": CLFLOW,
    "fractalad": FRACTALAD,
    QUICKEST_DETECTOR: NPAD,
}


def recipe_of(detector: str) -> AnyRecipe:
    """ConfigError for an unknown name, with the known ones."""
    if detector not in DETECTORS:
        raise unknown_name(detector, DETECTORS, what="detector")
    return DETECTORS[detector]


def detector_of(settings: TrainSettings) -> str:
    """Whose settings these are."""
    return next(name for name, recipe in DETECTORS.items() if type(settings) is recipe.settings)


def untrained_network(settings: TrainSettings) -> Network:
    """That these settings describe; ConfigError for a resolution that it cannot have."""
    size = settings.preprocessing.height, settings.preprocessing.width
    network: Network = recipe_of(detector_of(settings)).network(settings.model, *size)
    return network


def network_of(detector: str, spec: Mapping[str, Json], preprocessing: Preprocessing) -> Network:
    """An untrained network as a manifest describes it; ConfigError for an unknown detector."""
    recipe = recipe_of(detector)
    known = type(recipe.settings().model)
    described = settings_from_table(known, spec, "the bundle's spec")
    network: Network = recipe.network(described, preprocessing.height, preprocessing.width)
    return network
