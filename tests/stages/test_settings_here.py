"""Defaults that fit the machine, and what wins over them."""

from types import SimpleNamespace
from typing import Any

import pytest

from slsg_edge.models.npad import settings as npad
from slsg_edge.models.npad.spec import DEFAULT_BRANCHES
from slsg_edge.models.registry import DETECTORS
from slsg_edge.models.slsg.settings import SlsgSettings
from slsg_edge.stages import settings as stage
from slsg_edge.stages.settings import settings_here, settings_of_run
from slsg_edge.training.settings import Resources


@pytest.fixture
def here(monkeypatch):
    """SLSG's settings on a machine with that device, and what was said of them."""

    def start(
        device: str = "cpu", weights: str = "imagenet", files=(), **options: dict[str, Any]
    ) -> tuple[SlsgSettings, list[str]]:
        found = SimpleNamespace(place=SimpleNamespace(type=device))
        monkeypatch.setattr(stage, "device_from_name", lambda name, workers: found)
        said: list[str] = []
        settings = settings_here(None, files, options, Resources(weights), said.append)
        assert isinstance(settings, SlsgSettings)
        return settings, said

    return start


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_gpu_takes_the_papers_recipe(here, device):
    settings, said = here(device)
    assert settings == SlsgSettings()
    assert said == [
        f"SLSG `paper`, as it trains on a GPU ({device}): 14062 iterations of pretraining, "
        "3501 iterations of training."
    ]


def test_a_cpu_takes_what_it_learns_in_minutes(here):
    settings, said = here()
    assert settings.model.variant == "edge"
    assert settings.pretraining.task == "none"
    assert settings.training.iterations == 700
    assert said == [
        "SLSG `edge`, as it trains on the CPU: no pretraining, 700 iterations of training."
    ]


def test_an_encoder_that_starts_from_noise_learns(here):
    settings, _ = here(weights="none")
    assert settings.trains_backbone
    assert settings.training.encoder == "trained"
    assert settings.pretraining.iterations <= 100
    frozen, _ = here(weights="none", training={"encoder": "frozen"})
    assert frozen.training.encoder == "frozen"


def test_what_is_asked_for_wins(here, tmp_path):
    paper, said = here(model={"variant": "paper"})
    assert paper == SlsgSettings()
    assert said[0].startswith("SLSG `paper`, as asked: ")
    path = tmp_path / "a.toml"
    path.write_text('[model]\nvariant = "paper"\n')
    assert here(files=[path])[0] == SlsgSettings()
    assert here(files=[path], model={"variant": "edge"})[0] == here()[0]
    longer, _ = here(training={"iterations": 1500}, seed=3)
    assert (longer.training.iterations, longer.pretraining.task) == (1500, "none")
    assert longer.seed == 3


def test_edge_on_a_gpu_keeps_its_recipe(here):
    whole, _ = here("cuda", model={"variant": "edge"})
    assert whole == settings_of_run("slsg", [], {"model": {"variant": "edge"}})


def test_pretraining_on_a_cpu_is_for_the_asking(here, tmp_path):
    assert here(pretraining={"epochs": 2})[0].pretraining.task == "both"
    assert here(pretraining={"task": "mask"})[0].pretraining.task == "mask"
    path = tmp_path / "a.toml"
    path.write_text("[pretraining]\nepochs = 2\n")
    settings, said = here(files=[path], training={"iterations": 9})
    assert settings.pretraining.epochs == 2
    assert said[0].endswith(": 375 iterations of pretraining, 9 iterations of training.")


def npad_here(weights="imagenet", **model):
    said: list[str] = []
    options = {"model": model} if model else {}
    return settings_here("npad", [], options, Resources(weights, device="cpu"), said.append), said


def test_without_a_download_npad_takes_the_backbone_that_came_by_pip(monkeypatch):
    monkeypatch.setattr(npad, "lite0_instead_of", lambda name: f"No {name}.")
    settings, said = npad_here()
    assert settings.model.backbone == "efficientnet_lite0"
    assert settings.model.branches == DEFAULT_BRANCHES
    assert said == [
        "No resnet18. So the backbone is EfficientNet-Lite0, whose weights came by pip, and not "
        "ResNet-18, which is better: --backbone-weights FILE takes its weights."
    ]
    for asked in ({"weights": "x.safetensors"}, {"weights": "none"}, {"backbone": "resnet18"}):
        settings, said = npad_here(**asked)
        assert (settings.model.backbone, said) == ("resnet18", [])
    settings, said = npad_here(backbone="efficientnet_lite0")
    assert (settings.model.backbone, said) == ("efficientnet_lite0", [])


def test_every_other_detector_has_the_same_defaults_everywhere(monkeypatch):
    monkeypatch.setattr(npad, "lite0_instead_of", lambda name: None)
    for name in set(DETECTORS) - {"slsg"}:
        said: list[str] = []
        found = settings_here(name, [], {}, Resources(device="cpu"), said.append)
        assert found == settings_of_run(name, [], {})
        assert said == []
