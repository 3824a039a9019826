"""What a training that takes hours advises can be run as it stands."""

import shlex
from pathlib import Path

from training_runs import run_training
from typer.main import get_command

from slsg_edge.cli import app
from slsg_edge.models.npad.settings import NpadSettings
from slsg_edge.models.slsg.settings import SlsgSettings
from slsg_edge.preprocessing import Preprocessing, Roi
from slsg_edge.stages import phases
from slsg_edge.stages.quicker import quicker_command
from slsg_edge.training.settings import Resources

DATA, OUTPUT = Path("my bottles"), Path("runs/juice.slsg")


def test_it_names_the_paths_and_a_bundle_of_its_own():
    assert quicker_command(DATA, OUTPUT, SlsgSettings(), Resources()) == (
        "slsg-edge train 'my bottles' -o runs/juice-npad.slsg --detector npad"
    )


def test_it_sees_what_the_long_one_sees():
    settings = SlsgSettings(preprocessing=Preprocessing(96, 128, "letterbox", Roi(1, 2, 30, 40)))
    words = shlex.split(quicker_command(DATA, OUTPUT, settings, Resources("a b.pth", device="cpu")))
    command = get_command(app).commands["train"]  # type: ignore[attr-defined]
    given = command.make_context("train", words[2:]).params
    assert given["backbone_weights"] == "a b.pth"
    assert given["device"] == "cpu"
    assert given["roi"] == "1,2,30,40"
    assert given["set_"] == [
        "preprocessing.height=96",
        "preprocessing.width=128",
        "preprocessing.fit=letterbox",
    ]


def test_the_quickest_has_none():
    assert quicker_command(DATA, OUTPUT, NpadSettings(), Resources()) == ""


def test_each_phase_is_told_of_it_and_of_those_that_follow(
    good_images, settings, resources, monkeypatch
):
    told = []

    def run_phase(phase, folder, record, *, workers, resume, forecast):
        told.append((phase.name, forecast.following, forecast.quicker))
        return []

    monkeypatch.setattr(phases, "run_phase", run_phase)
    run_training(good_images, "a.slsg", settings, resources)
    command = quicker_command(good_images, good_images.parent / "a.slsg", settings, resources)
    assert "--backbone-weights none" in command
    assert told == [("pretraining", 1, command), ("training", 0, command)]
