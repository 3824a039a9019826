"""Settings from files and options, whichever the detector."""

import pytest

from slsg_edge.errors import ConfigError
from slsg_edge.models.registry import DETECTORS, detector_of, network_of, recipe_of
from slsg_edge.models.slsg.settings import SlsgSettings
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.stages.settings import merged_settings, put, settings_of_run
from slsg_edge.synthesis.presets import preset_file


def _toml(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


def test_later_files_win_over_earlier_ones_and_options_over_both(tmp_path):
    first = _toml(tmp_path, "a.toml", "seed = 1\n[training]\niterations = 10\nbatch = 3")
    second = _toml(tmp_path, "b.toml", "[training]\niterations = 20")
    found = settings_of_run("slsg", [first, second], {"seed": 2})
    assert isinstance(found, SlsgSettings)
    assert (found.seed, found.training.iterations, found.training.batch) == (2, 20, 3)


def test_a_file_may_name_the_detector_and_the_option_wins(tmp_path):
    path = _toml(tmp_path, "a.toml", 'detector = "no such"')
    with pytest.raises(ConfigError, match="no such"):
        settings_of_run(None, [path], {})
    assert detector_of(settings_of_run("slsg", [path], {})) == "slsg"


def test_an_unknown_detector_names_the_known_ones():
    with pytest.raises(ConfigError, match="detector: 'slgs'") as caught:
        recipe_of("slgs")
    assert "slsg" in caught.value.fix


def test_options_make_tables_and_none_leaves_them_alone():
    options: dict = {}
    put(options, "training.loss.gamma", 2)
    put(options, "training.iterations", None)
    assert options == {"training": {"loss": {"gamma": 2}}}


@pytest.mark.parametrize(
    ("detector", "options", "said"),
    [
        ("fractalad", {"synthesis": {"jitter": 0.2}}, r"synthesis has no effect: .*\[fractal\]"),
        ("slsg", {"pretraining": {"task": "none", "epochs": 5}}, "no pretraining"),
    ],
)
def test_an_option_that_changes_nothing_is_refused(detector, options, said):
    with pytest.raises(ConfigError, match=said):
        settings_of_run(detector, [], options)
    merged_settings(detector, [], options)  # where detectors are compared it may be for others


def test_a_preset_of_rules_that_the_detector_does_not_use_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"juice_bottle\.toml has no effect"):
        settings_of_run("fractalad", [preset_file("juice_bottle")], {})
    settings_of_run("npad", [preset_file("juice_bottle")], {})
    mixed = _toml(tmp_path, "mixed.toml", "seed = 3\n[synthesis]\njitter = 0.2")
    assert settings_of_run("fractalad", [mixed], {}).seed == 3


def test_a_value_is_no_table():
    with pytest.raises(ConfigError, match="no table"):
        put({"seed": 1}, "seed.more", 2)


@pytest.mark.parametrize("detector", DETECTORS)
def test_every_detector_is_made_again_from_what_a_bundle_keeps_of_it(detector):
    import dataclasses

    from slsg_edge.config import settings_from_table

    recipe = recipe_of(detector)
    spec = recipe.settings().model
    assert settings_from_table(type(spec), dataclasses.asdict(spec), "spec") == spec
    network = network_of(detector, dataclasses.asdict(spec), Preprocessing())
    assert network.backbone.widths
