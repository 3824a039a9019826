"""Each recipe fits together: its spec, settings and network are of one detector."""

from typing import get_type_hints

import pytest

from slsg_edge.models.recipe import TrainingContext, as_given, no_trial
from slsg_edge.models.registry import DETECTORS


@pytest.mark.parametrize("recipe", DETECTORS.values(), ids=DETECTORS)
def test_what_a_recipe_is_made_of_belongs_together(recipe):
    made, phases = get_type_hints(recipe.network), get_type_hints(recipe.phases)
    assert made["spec"] is type(recipe.settings().model)
    assert phases["network"] == made["return"]
    assert phases["context"] == TrainingContext[recipe.settings]
    if recipe.trial is not no_trial:
        assert get_type_hints(recipe.trial)["settings"] is recipe.settings
    if recipe.resolved is not as_given:
        assert get_type_hints(recipe.resolved)["return"] is recipe.settings
