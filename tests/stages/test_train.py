"""Whole runs on a handful of images: repeatable, resumable, and honest about what they lack."""

import dataclasses
import json
import subprocess
import sys

import pytest
from safetensors.numpy import load_file
from training_runs import run_training

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.errors import BundleError, ConfigError, DatasetError, StaleBundle
from slsg_edge.models.slsg.network import SlsgSpec
from slsg_edge.stages import phases
from slsg_edge.training import loop
from slsg_edge.training.run_lock import HOLDER_FILE, exclusive_run


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(good_images, settings, resources, whole):
    again, _ = run_training(good_images, "b.slsg", settings, resources)
    other, _ = run_training(good_images, "c.slsg", dataclasses.replace(settings, seed=1), resources)
    assert again == whole != other


@pytest.mark.slow
def test_the_paper_variant_trains_too(good_images, settings, resources):
    paper = dataclasses.replace(settings, model=SlsgSpec("paper"))
    weights, _ = run_training(good_images, "paper.slsg", paper, resources)
    assert len(weights) > 70e6


@pytest.mark.slow
def test_a_run_leaves_curves_and_anomalies_as_pictures(good_images, settings, resources, charts):
    run_training(good_images, "a.slsg", settings, resources)
    for picture in ("losses.png", "anomalies.png"):
        assert (good_images.parent / "a.run" / picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_bundle_records_what_made_it(finished):
    bundle = open_bundle(finished)
    assert bundle.manifest.spec == {"variant": "edge"}
    assert bundle.manifest.stages["train"].settings["training"]["iterations"] == 4
    assert len(json.loads(bundle.file("data.json").read_text())["train"]) == 6


@pytest.mark.slow
@pytest.mark.parametrize("steps", [2, 3, 5])  # stage 1 has 3 steps: within, at its end, beyond
def test_a_stopped_run_resumes_to_the_same_weights(
    good_images, settings, resources, stopped_after, steps, whole
):
    with stopped_after(steps):
        run_training(good_images, "parts.slsg", settings, resources)
    assert not (good_images.parent / "parts.slsg").exists()
    resumed, _ = run_training(good_images, "parts.slsg", settings, resources, resume=True)
    assert resumed == whole


@pytest.mark.slow
def test_a_stopped_run_is_not_thrown_away(good_images, settings, resources, stopped_after):
    with stopped_after(2):
        run_training(good_images, "parts.slsg", settings, resources)
    with pytest.raises(ConfigError, match="--resume"):
        run_training(good_images, "parts.slsg", settings, resources)


@pytest.mark.slow
def test_a_second_training_into_the_same_bundle_is_refused(good_images, settings, resources):
    """A real one, in a process of its own, is told before it touches anything."""
    output = good_images.parent / "a.slsg"
    with exclusive_run(output.with_suffix(".run"), "the first training"):
        command = ["train", good_images, "-o", output, "--backbone-weights", "none", "--size", "96"]
        second = subprocess.run(
            [sys.executable, "-m", "slsg_edge", *map(str, command)], capture_output=True, text=True
        )
        assert second.returncode == 2
        assert "the first training" in second.stderr
        assert [path.name for path in output.with_suffix(".run").iterdir()] == [HOLDER_FILE]
    assert not output.exists()


@pytest.mark.slow
def test_a_run_with_other_settings_is_not_resumed(good_images, settings, resources, stopped_after):
    with stopped_after(2):
        run_training(good_images, "parts.slsg", settings, resources)
    other = dataclasses.replace(settings, seed=5)
    with pytest.raises(ConfigError, match="other settings"):
        run_training(good_images, "parts.slsg", other, resources, resume=True)


@pytest.mark.slow
def test_a_damaged_checkpoint_is_refused(good_images, settings, resources, stopped_after):
    with stopped_after(5):
        run_training(good_images, "parts.slsg", settings, resources)
    checkpoint = good_images.parent / "parts.run" / "training.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(ConfigError, match="damaged"):
        run_training(good_images, "parts.slsg", settings, resources, resume=True)


@pytest.mark.slow
def test_with_nothing_to_resume_a_run_says_so_and_starts(good_images, settings, resources):
    _, said = run_training(good_images, "a.slsg", settings, resources, resume=True)
    assert any("Nothing to resume" in line for line in said)


@pytest.mark.slow
def test_a_finished_run_is_not_done_again(
    good_images, settings, resources, monkeypatch, finished, whole
):
    def never(*_, **__):
        raise AssertionError("it trains again")

    with monkeypatch.context() as patch:
        patch.setattr(phases, "run_phase", never)
        again, said = run_training(good_images, "a.slsg", settings, resources, resume=True)
    assert again == whole
    assert any("trained already" in line for line in said)
    other, _ = run_training(
        good_images, "a.slsg", dataclasses.replace(settings, seed=1), resources, resume=True
    )
    assert other != whole
    (good_images.parent / "a.slsg" / "weights.safetensors").write_bytes(b"cut short")
    healed, _ = run_training(
        good_images, "a.slsg", dataclasses.replace(settings, seed=1), resources, resume=True
    )
    assert healed == other


@pytest.mark.slow
def test_a_bundle_whose_held_out_images_have_changed_is_not_finished(
    good_images, settings, resources
):
    data = good_images.parent / "data"
    held_out = data / "validation/good"
    held_out.mkdir(parents=True)
    (data / "train").mkdir()
    for number in (0, 1):
        (good_images / f"{number}.png").rename(held_out / f"{number}.png")
    good_images.rename(data / "train/good")
    run_training(data, "a.slsg", settings, resources)
    bundle = open_bundle(data.parent / "a.slsg")
    trained = json.loads(bundle.file("data.json").read_text())["train"]
    (held_out / "0.png").unlink()
    _, said = run_training(data, "a.slsg", settings, resources, resume=True)
    assert not any("trained already" in line for line in said)
    now = json.loads(open_bundle(bundle.path).file("data.json").read_text())
    assert (now["train"], len(now["holdout"])) == (trained, 1)


@pytest.mark.slow
def test_a_finished_run_leaves_neither_checkpoints_nor_copies(finished):
    left = {path.suffix for path in finished.with_suffix(".run").iterdir()}
    assert not left & {".pt", ".npy"}


@pytest.mark.slow
def test_a_loss_that_diverges_ends_therun_training(good_images, settings, resources, monkeypatch):
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    steep = dataclasses.replace(settings.training, learning_rate=1e30)
    with pytest.raises(ConfigError, match="learning_rate"):
        run_training(
            good_images, "a.slsg", dataclasses.replace(settings, training=steep), resources
        )


@pytest.mark.slow
def test_texture_photos_take_part(good_images, settings, resources, whole):
    with_photos = dataclasses.replace(resources, textures=good_images)
    photos, _ = run_training(good_images, "b.slsg", settings, with_photos)
    assert photos != whole


def test_a_damaged_bundle_in_the_way_is_found_before_any_training(good_images, settings, resources):
    (good_images.parent / "a.slsg").mkdir()
    (good_images.parent / "a.slsg" / "manifest.json").write_text("{")
    with pytest.raises(BundleError, match="damaged"):
        run_training(good_images, "a.slsg", settings, resources)
    assert not (good_images.parent / "a.run").exists()


@pytest.mark.slow
def test_stage_two_leaves_the_frozen_encoder_as_it_was(good_images, settings, resources):
    alone = dataclasses.replace(
        settings, pretraining=dataclasses.replace(settings.pretraining, task="none")
    )
    run_training(good_images, "a.slsg", alone, resources)
    longer = dataclasses.replace(alone, training=dataclasses.replace(alone.training, iterations=6))
    run_training(good_images, "b.slsg", longer, resources)
    first, second = (
        load_file(good_images.parent / name / "weights.safetensors")
        for name in ("a.slsg", "b.slsg")
    )
    name = "encoder.trunk.layer3.1.conv2.weight"
    assert (first[name] == second[name]).all()
    assert (first["out.weight"] != second["out.weight"]).any()


def test_a_single_image_is_too_few(good_images, settings, resources):
    for path in list(good_images.iterdir())[1:]:
        path.unlink()
    with pytest.raises(DatasetError):
        run_training(good_images, "a.slsg", settings, resources)


@pytest.mark.slow
def test_training_again_makes_the_later_stages_stale(good_images, settings, resources, finished):
    open_bundle(finished).commit(
        "export",
        {"model.onnx": b"graph"},
        command="slsg-edge export a.slsg",
        started=0.0,
        inputs=("weights.safetensors",),
    )
    run_training(good_images, "a.slsg", dataclasses.replace(settings, seed=2), resources)
    with pytest.raises(StaleBundle, match="slsg-edge export"):
        open_bundle(finished).file("model.onnx")
