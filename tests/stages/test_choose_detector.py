"""Choosing a detector without a look at test images."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from slsg_edge import cli
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.errors import ConfigError, DatasetError
from slsg_edge.images import encode_image
from slsg_edge.metrics.intervals import Figure
from slsg_edge.models.npad.settings import NpadSettings
from slsg_edge.models.registry import DETECTORS
from slsg_edge.stages import choose_detector as choosing
from slsg_edge.stages.choose_detector import _decide, train_best
from slsg_edge.stages.validation_set import ANOMALIES, FEWEST
from slsg_edge.training.run_lock import exclusive_run
from slsg_edge.training.settings import Resources, TrainSettings

GOOD, BAD = 40, 80
LABELS = np.arange(GOOD + BAD) >= GOOD


def _trial(name, milliseconds):
    return SimpleNamespace(detector=name, milliseconds=milliseconds, auroc=Figure(0, 0, 0))


def _scores(gap, seed=0):
    noise = np.random.default_rng(seed).normal(size=GOOD + BAD)
    return (noise + gap * LABELS).astype(np.float32)


@pytest.mark.parametrize(
    ("gaps", "milliseconds", "expected", "said"),
    [
        ((3.0, 0.2), (9, 1), "a", "by more than chance"),
        ((3.0, 2.9), (9, 1), "b", "fastest of those"),
        ((3.0, 2.9), (1, 9), "a", "faster than those next to it: b"),
    ],
)
def test_the_fastest_of_those_that_are_no_worse_is_taken(gaps, milliseconds, expected, said):
    trials = [_trial(name, ms) for name, ms in zip("ab", milliseconds, strict=True)]
    chosen, reason = _decide(trials, np.stack([_scores(gap) for gap in gaps]), LABELS)
    assert chosen.detector == expected
    assert said in reason


@pytest.fixture
def quickest(monkeypatch):
    """Only the one that is trained in a second."""
    monkeypatch.setattr(choosing, "DETECTORS", {"npad": DETECTORS["npad"]})


@pytest.fixture
def good_images(tmp_path):
    folder = tmp_path / "good"
    folder.mkdir()
    for index in range(40):
        picture = np.random.default_rng(index).integers(60, 90, (64, 64, 3), dtype=np.uint8)
        picture[20:40, 20:40] = (200, 60, 60)
        (folder / f"{index}.png").write_bytes(encode_image(picture))
    return folder


def _best(data, said, textures=None, **options):
    return train_best(
        data,
        data.parent / "best.slsg",
        [],
        {"preprocessing": {"height": 64, "width": 64}, **options},
        Resources(backbone_weights="none", textures=textures, device="cpu", workers=0),
        command="slsg-edge train",
        notify=said.append,
    )


@pytest.mark.slow
def test_the_chosen_trial_becomes_the_bundle_and_is_not_trained_twice(good_images, quickest):
    output, said = good_images.parent / "best.slsg", []
    pick = _best(good_images, said, holdout=0.5)
    assert not list((good_images.parent / "best.trials").rglob("*.npy"))
    assert pick.good >= FEWEST
    assert pick.simulated == ANOMALIES * pick.good
    bundle = open_bundle(output)
    assert list(bundle.manifest.stages) == ["train"]
    weights = bundle.file("weights.safetensors").read_bytes()
    assert weights == pick.chosen.bundle.file("weights.safetensors").read_bytes()
    with pytest.raises(ConfigError, match="exists already"):
        _best(good_images, said, holdout=0.5)
    for path in output.iterdir():
        path.unlink()
    output.rmdir()
    again = _best(good_images, said, holdout=0.5)
    assert any("trained already" in line for line in said)
    assert again.chosen.seconds == pick.chosen.seconds


def test_no_detector_learns_from_the_images_that_all_are_compared_on():
    """N-pad holds nothing out by itself, so it is trained anew where it is chosen."""
    trials = choosing._quick_detectors([], {}, "cpu")
    assert {settings.holdout for settings, _ in trials.values()} == {TrainSettings().holdout}
    settings, shortened = trials["npad"]
    assert shortened
    assert settings.holdout > NpadSettings().holdout == 0


def test_two_comparisons_at_once_are_refused(good_images, quickest):
    first = exclusive_run(good_images.parent / "best.trials", "the first comparison")
    with first, pytest.raises(ConfigError, match="the first comparison"):
        _best(good_images, [], holdout=0.5)


def test_texture_photos_must_come_into_the_comparison(good_images, quickest):
    with pytest.raises(ConfigError, match="--textures has no effect: the comparison"):
        _best(
            good_images,
            [],
            good_images,
            holdout=0.5,
            synthesis={"structure_probability": 1.0},
        )


def test_resume_does_not_go_with_a_choice(good_images, monkeypatch, capsys):
    words = ["train", str(good_images), "-o", "best.slsg", "--detector", "auto", "--resume"]
    monkeypatch.setattr(sys, "argv", ["slsg-edge", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "what was stopped goes on by itself" in capsys.readouterr().err


def test_too_few_held_out_images_choose_nothing(good_images, quickest):
    with pytest.raises(DatasetError, match="too few to choose"):
        _best(good_images, [])
    assert not (good_images.parent / "best.trials").exists()


def test_a_setting_that_is_not_for_all_names_the_detector_that_lacks_it(good_images):
    with pytest.raises(ConfigError, match=r"npad: .*iterations") as caught:
        _best(good_images, [], training={"iterations": 5})
    assert "name a --detector" in caught.value.fix
