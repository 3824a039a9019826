"""`slsg-edge train` without a word on what to train: what fits a machine without a GPU."""

import numpy as np
import pytest
from screens import fits_and_begins_with

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.images import encode_image


@pytest.mark.slow
def test_what_the_machine_decided_is_said_recorded_and_resumed(run, run_and_read, tmp_path):
    good, bundle = tmp_path / "good", tmp_path / "a.slsg"
    good.mkdir()
    for index in range(6):
        picture = np.random.default_rng(index).integers(0, 255, (80, 100, 3), dtype=np.uint8)
        (good / f"{index}.png").write_bytes(encode_image(picture))
    words = ["train", good, "-o", bundle, "--size", 96, "--pretrain", "none", "--iterations", 2]
    words += ["--backbone-weights", "none", "--device", "cpu", "--workers", 0]
    code, printed, said = run_and_read(*words)
    assert code == 0
    assert fits_and_begins_with(printed, ": trained"), printed
    assert f"next: slsg-edge export {bundle}" in printed
    decided = "SLSG `edge`, as it trains on the CPU: no pretraining, 2 iterations of training."
    assert decided in said
    manifest = open_bundle(bundle).manifest
    assert manifest.spec == {"variant": "edge"}
    settings = manifest.stages["train"].settings
    assert settings["model"] == {"variant": "edge"}
    assert settings["pretraining"]["task"] == "none"
    assert settings["training"]["encoder"] == "trained"
    code, said = run(*words, "--resume")
    assert code == 0
    assert "is trained already" in said
    code, said = run(*words, "--resume", "--variant", "edge")
    assert code == 0
    assert "is trained already" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--folds", 1], "--folds is 1"),
        (["--folds", 0], "--folds is 0"),
        (["--folds", 50], "at most 6"),
        (["--folds", 3, "--detector", "npad"], "leaves out each good image by itself"),
        (["--folds", 3, "--detector", "auto"], "does not go with --detector auto"),
        (["--folds", 3, "--set", "holdout=0.3"], "holdout has no effect"),
    ],
)
def test_folds_that_cannot_be_are_refused_before_anything_is_written(run, tmp_path, options, said):
    good = tmp_path / "good"
    good.mkdir()
    for index in range(6):
        picture = np.random.default_rng(index).integers(0, 255, (80, 100, 3), dtype=np.uint8)
        (good / f"{index}.png").write_bytes(encode_image(picture))
    words = ["train", good, "-o", tmp_path / "a.slsg", "--backbone-weights", "none"]
    code, told = run(*words, "--device", "cpu", "--workers", 0, *options)
    assert code == 2
    assert said in " ".join(told.split())
    assert sorted(tmp_path.iterdir()) == [good]
