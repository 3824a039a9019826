"""The order of the commands, what is not done twice, and when it stops. No command really runs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from slsg_edge.cli.first_hour import steps as module
from slsg_edge.cli.first_hour.running import Ran, error_in
from slsg_edge.cli.first_hour.steps import Observer, StepFailed, Wish, first_hour
from slsg_edge.errors import ConfigError
from slsg_edge.images import encode_image


@dataclass
class Commands:
    """Takes the place of `run`: writes what the real ones write, as far as it matters here."""

    bundle: Path
    given: list[tuple[str, ...]] = field(default_factory=list)
    exit_codes: dict[str, int] = field(default_factory=dict)

    def __call__(self, words: Sequence[str], log: Path, *, show: bool) -> Ran:
        self.given.append(tuple(words))
        name = words[0]
        if name in ("train", "export", "calibrate"):
            self.bundle.mkdir(exist_ok=True)
            manifest = self.bundle / "manifest.json"
            before = manifest.read_text() if manifest.exists() else ""
            manifest.write_text(before + name)
        return Ran(self.exit_codes.get(name, 0), 1.0, {"command": name})

    @property
    def names(self) -> list[str]:
        return [words[0] for words in self.given]


@pytest.fixture
def wish(tmp_path: Path) -> Wish:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "1.png").write_bytes(encode_image(np.zeros((8, 8, 3), np.uint8)))
    return Wish(photos, tmp_path / "a.slsg")


@pytest.fixture
def commands(monkeypatch, wish) -> Commands:
    taken = Commands(wish.bundle)
    monkeypatch.setattr(module, "run", taken)
    monkeypatch.setattr(module, "int8_pays", lambda: False)
    return taken


def go(wish: Wish) -> list[tuple[str, bool]]:
    """The steps, and whether each was done before."""
    told: list[tuple[str, bool]] = []
    ended = Observer(lambda _: None, lambda step, earlier: told.append((step.words[0], earlier)))
    first_hour(wish, ended, show=False)
    return told


ORDER = ["data", "train", "export", "calibrate", "verify", "eval"]


def test_every_step_runs_once_and_in_order(wish, commands):
    assert go(wish) == [(name, False) for name in ORDER]
    train = next(words for words in commands.given if words[0] == "train")
    assert train == ("train", str(wish.data), "-o", str(wish.bundle), "--detector", "npad")
    assert commands.given[-1][-3:] == ("--report", str(wish.page), "--json")


def test_given_again_nothing_is_done_twice(wish, commands):
    go(wish)
    assert go(wish) == [(name, True) for name in ORDER]
    assert commands.names == ORDER


def test_other_photos_are_everything_anew(wish, commands):
    go(wish)
    (wish.data / "2.png").write_bytes(encode_image(np.ones((8, 8, 3), np.uint8)))
    assert not any(earlier for _, earlier in go(wish))


def test_other_options_are_trained_anew_and_the_photos_are_not_checked_twice(wish, commands):
    go(wish)
    other = Wish(wish.data, wish.bundle, minutes=60)
    assert [name for name, earlier in go(other) if earlier] == ["data"]
    assert commands.given[len(ORDER)][-2:] == ("--detector", "auto")


def test_a_bundle_that_was_calibrated_by_hand_is_judged_anew_and_not_calibrated(wish, commands):
    go(wish)
    (wish.bundle / "manifest.json").write_text("another threshold")
    assert [name for name, earlier in go(wish) if not earlier] == ["verify", "eval"]
    assert (wish.bundle / "manifest.json").read_text() == "another threshold"


def test_photos_that_are_no_use_are_not_trained_on(wish, commands):
    commands.exit_codes["data"] = 1
    assert go(wish) == [("data", False)]
    assert go(wish) == [("data", False)]  # they may have been put right
    assert not wish.bundle.exists()


def test_a_weak_detector_is_an_answer(wish, commands):
    commands.exit_codes["eval"] = 1
    assert go(wish)[-1] == ("eval", False)


@pytest.mark.parametrize("name", ["train", "export", "calibrate", "verify"])
def test_what_fails_is_named_and_done_again_and_nothing_before_it(wish, commands, name):
    commands.exit_codes[name] = 2
    with pytest.raises(StepFailed, match=f"slsg-edge {name} .* exit code 2") as failed:
        go(wish)
    assert str(wish.log) in failed.value.fix
    commands.exit_codes.clear()
    assert [step for step, earlier in go(wish) if earlier] == ORDER[: ORDER.index(name)]


def test_a_training_that_was_stopped_is_resumed(wish, commands):
    run_folder = wish.bundle.with_suffix(".run")
    run_folder.mkdir()
    (run_folder / "training.pt").touch()
    go(wish)
    assert commands.given[1][-1] == "--resume"


def test_ctrl_c_in_a_command_ends_the_start(wish, commands):
    commands.exit_codes["train"] = 130
    with pytest.raises(KeyboardInterrupt):
        go(wish)
    assert commands.names == ["data", "train"]


def test_a_bundle_of_somebody_else_is_left_alone(wish, commands):
    wish.bundle.mkdir()
    (wish.bundle / "manifest.json").write_text("months of work")
    with pytest.raises(ConfigError, match="did not make it"):
        go(wish)
    assert commands.given == []


def test_a_torn_record_is_no_record(wish, commands):
    go(wish)
    wish.record.write_text(wish.record.read_text()[:40])
    assert not any(earlier for _, earlier in go(wish))


def test_int8_is_made_with_a_threshold_of_its_own_where_it_pays(wish, commands, monkeypatch):
    monkeypatch.setattr(module, "int8_pays", lambda: True)
    go(wish)
    made, found = [words for words in commands.given if words[0] == "calibrate"][1:]
    assert "--int8" in made
    assert found[2:4] == ("--backend", "openvino-int8")


def test_the_record_holds_what_was_found(wish, commands):
    go(wish)
    steps = json.loads(wish.record.read_text())["steps"]
    assert [step["result"] for step in steps] == [{"command": name} for name in ORDER]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", ("", "")),
        ("images 4/4\n", ("", "")),
        ("error: No.\n", ("No.", "")),
        (
            "warning: so\nerror: Old.\nerror: No\nat all.\n  next: Do it.\n",
            ("No\nat all.", "Do it."),
        ),
    ],
)
def test_the_last_error_that_a_command_told_and_its_cure(said, expected):
    assert error_in(said) == expected
