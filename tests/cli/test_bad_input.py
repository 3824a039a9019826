"""What a user gets wrong, through the command line: a sentence with the next step, exit code 2.

And what was there before is still there.
"""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from slsg_edge.images import encode_image, reading

QUICK = [
    "--variant", "edge", "--size", "96", "--pretrain", "none", "--iterations", "1",
    "--backbone-weights", "none", "--workers", "0", "--device", "cpu",
]  # fmt: skip


@pytest.fixture
def good(tmp_path) -> Path:
    folder = tmp_path / "good"
    folder.mkdir()
    for index in range(6):
        picture = np.random.default_rng(index).integers(0, 255, (80, 100, 3), dtype=np.uint8)
        (folder / f"{index}.png").write_bytes(encode_image(picture))
    return folder


@pytest.fixture
def refused(run, good, tmp_path):
    """Trains on `good` and checks that it is refused, that no bundle appears and what is said."""

    def check(*expected: str, options=()) -> None:
        code, said = run("train", good, "-o", tmp_path / "a.slsg", *QUICK, *options)
        assert code == 2
        assert "next: " in said
        for text in expected:
            assert text in said
        assert not (tmp_path / "a.slsg").exists()
        assert not list(tmp_path.glob("a.run/*"))

    return check


def test_a_folder_that_is_not_there(run, tmp_path):
    code, said = run("train", tmp_path / "gone", "-o", tmp_path / "a.slsg", *QUICK)
    assert code == 2
    assert "gone" in said


def test_an_empty_folder(refused, good):
    for path in good.iterdir():
        path.unlink()
    refused(str(good))


def test_one_image(refused, good):
    for path in list(good.iterdir())[1:]:
        path.unlink()
    refused(str(good))


def test_an_image_cut_short(refused, good):
    whole = (good / "3.png").read_bytes()
    (good / "3.png").write_bytes(whole[: len(whole) // 2])
    refused("3.png", "truncated")


def test_an_image_of_no_bytes(refused, good):
    (good / "3.png").write_bytes(b"")
    refused("3.png", "0 bytes")


def test_a_text_that_is_called_an_image(refused, good):
    (good / "3.png").write_text("not a picture")
    refused("3.png", "not an image")


def test_an_unknown_key_in_the_settings(refused, tmp_path):
    (tmp_path / "a.toml").write_text("[training]\niteration = 5\n")
    refused("iteration", "Did you mean 'iterations'?", options=["--config", tmp_path / "a.toml"])


def test_a_value_of_the_wrong_type_in_the_settings(refused, tmp_path):
    (tmp_path / "a.toml").write_text('[synthesis]\nminimum_area = "large"\n')
    refused("minimum_area", options=["--config", tmp_path / "a.toml"])


@pytest.mark.parametrize(
    "line",
    [
        "seed = 99999999999999999999999",
        "holdout = 1.5",
        "[pretraining]\nepochs = -1",
        "[pretraining]\nshuffle_grids = []",
        "[pretraining]\nlearning_rate = -1.0",
        "[training]\nlearning_rate = nan",
        "[training]\nmomentum = -1.0",
        "[training]\nbatch = 0",
        "[synthesis]\njitter = -3.0",
        "[synthesis.structure]\ncells = []",
        "[synthesis.structure]\nsources = []",
        "[synthesis.structure]\nsources = [{ weight = 0.0 }]",
        "[synthesis.structure]\nsources = [{ shuffle = [0, 4] }]",
        "[synthesis.texture]\nblend = { maximum = 2.0 }",
        "[synthesis.foreground]\nkeep = [0.0, 2.0, 0.0, 1.0]",
        "[synthesis.extra_box]\nprobability = 1.0\nbox = [-1.0, 1.0, 0.0, 1.0]",
    ],
)
def test_numbers_that_make_no_sense_in_the_settings(refused, tmp_path, line):
    (tmp_path / "a.toml").write_text(line + "\n")
    refused(options=["--config", tmp_path / "a.toml"])


def test_settings_that_are_no_toml(refused, tmp_path):
    (tmp_path / "a.toml").write_text("[training\n")
    refused("a.toml", "line 1", options=["--config", tmp_path / "a.toml"])


def test_a_texture_folder_without_textures(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    refused("No texture image", options=["--textures", tmp_path / "empty"])


@pytest.mark.parametrize("device", ["cuda:99", "cpu:x", "tpu"])
def test_a_device_that_is_not_there(refused, device):
    refused(device, options=["--device", device])


def test_fewer_than_no_workers(refused):
    refused("--workers", options=["--workers", "-1"])


def test_an_image_that_may_not_be_read(refused, good, monkeypatch):
    """The permission itself does not stop root, so the refusal comes from here."""
    read = reading.read_regular

    def guarded(path, limit, at_most=None):
        if path.name == "3.png":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path, limit, at_most)

    monkeypatch.setattr(reading, "read_regular", guarded)
    refused("3.png", "Permission denied")


def test_a_region_outside_the_images(refused):
    refused("outside a frame of 100x80", options=["--roi", "50,50,100,100"])


def test_a_seed_below_zero(refused):
    refused("seed", options=["--seed", "-1"])


def test_a_bundle_name_without_its_suffix(run, good, tmp_path):
    code, said = run("train", good, "-o", tmp_path / "a", *QUICK)
    assert code == 2
    assert ".slsg" in said


def test_a_folder_of_others_is_not_taken_for_a_bundle(run, good, tmp_path):
    (tmp_path / "a.slsg").mkdir()
    (tmp_path / "a.slsg" / "thesis.txt").write_text("mine")
    code, said = run("train", good, "-o", tmp_path / "a.slsg", *QUICK)
    assert code == 2
    assert "other things" in said
    assert (tmp_path / "a.slsg" / "thesis.txt").read_text() == "mine"


def test_an_import_of_something_else(run, tmp_path):
    (tmp_path / "a.tch").write_bytes(b"not a checkpoint")
    code, said = run("import-slsg", tmp_path / "a.tch", "-o", tmp_path / "a.slsg")
    assert code == 2
    assert "a.tch" in said


@pytest.mark.parametrize("command", ["export", "calibrate", "eval", "watch", "info", "bench"])
def test_a_bundle_that_is_not_there(run, tmp_path, command):
    more = {"calibrate": ["--images", tmp_path], "eval": [tmp_path], "watch": [tmp_path]}
    code, said = run(command, tmp_path / "gone.slsg", *more.get(command, []))
    assert code == 2
    assert "gone.slsg" in said


def _odd_pictures(folder: Path) -> None:
    """Grey, 16-bit, with alpha, and of several sizes: all of them are images like others."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    (folder / "grey.png").write_bytes(encode_image(rng.integers(0, 255, (64, 90), dtype=np.uint8)))
    deep = rng.integers(0, 65535, (300, 200, 3), dtype=np.uint16)
    (folder / "deep.png").write_bytes(encode_image(deep))  # type: ignore[arg-type]
    alpha = rng.integers(0, 255, (100, 100, 4), dtype=np.uint8)
    (folder / "alpha.png").write_bytes(encode_image(alpha))
    colour = rng.integers(0, 255, (33, 47, 3), dtype=np.uint8)
    (folder / "small.jpg").write_bytes(encode_image(colour, ".jpg"))
    read = cv2.imread(str(folder / "deep.png"), cv2.IMREAD_UNCHANGED)
    assert read is not None
    assert read.dtype == np.uint16


@pytest.mark.slow
def test_odd_pictures_go_all_the_way(run, tmp_path):
    _odd_pictures(tmp_path / "odd")
    bundle = tmp_path / "odd.slsg"
    for words in (
        ["train", tmp_path / "odd", "-o", bundle, *QUICK, "--encoder-batch-norm", "batch"],
        ["export", bundle],
        ["calibrate", bundle, "--threshold", "0.9"],
        ["watch", bundle, tmp_path / "odd"],
    ):
        code, said = run(*words)
        assert code == 0, said


@pytest.mark.slow
def test_a_disk_that_is_full(good, tmp_path):
    """A limit on the size of files fails a write half-way, as a full disk does."""
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000,) * 2); "
        f"sys.argv = ['slsg-edge', 'train', {str(good)!r}, '-o', {str(tmp_path / 'a.slsg')!r}, "
        f"*{QUICK!r}]; from slsg_edge.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "Cannot write" in done.stderr
    assert not list(tmp_path.glob("a.slsg/*"))
    assert not list(tmp_path.rglob("*.tmp"))
