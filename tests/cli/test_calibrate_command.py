import json
from contextlib import closing

import cv2
import numpy as np
import pytest
import typer
from bundles import with_file
from typer.testing import CliRunner

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.calibration.images import scores_of
from slsg_edge.cli.calibrate import TAKEN_BY, calibrate
from slsg_edge.data.splits import content_hash, fingerprint
from slsg_edge.errors import BundleError, ConfigError, DatasetError
from slsg_edge.runtime.detector import choose, open_choice


@pytest.fixture
def good(tmp_path):
    """Twelve good images."""
    folder = tmp_path / "good"
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(12):
        image = random.integers(60, 70 + 5 * index, (40, 50, 3), np.uint8)
        cv2.imwrite(str(folder / f"{index:03}.png"), image)
    return folder


def contents(bundle):
    return (bundle.path / "manifest.json").read_bytes()


def test_the_threshold_and_its_scores_get_into_the_bundle(opened, good, capsys):
    calibrate(opened.path, images=good)
    again = open_bundle(opened.path)
    again.require_fresh("calibrate")
    threshold = again.manifest.threshold
    with closing(open_choice(again, choose(again))) as detector:
        expected = scores_of(detector, sorted(good.iterdir()))
    assert threshold.method == "conformal"
    assert threshold.false_alarm_rate == 0.077  # what 12 images can show
    assert [point.chosen for point in threshold.points] == [True]
    assert threshold.good_scores == pytest.approx(sorted(expected), abs=1e-6)
    assert threshold.data_fingerprint == fingerprint(map(content_hash, good.iterdir()))
    stage = again.manifest.stages["calibrate"]
    assert stage.command == f"slsg-edge calibrate {{bundle}} --images {good}"
    assert stage.settings["images"] == 12
    shown = capsys.readouterr().out
    assert "90 % interval" in shown
    assert "chosen" in shown
    assert "taken on one occasion" in shown


def test_a_rate_that_the_images_cannot_show_is_extrapolated_only_when_it_is_asked_for(
    opened, good, capsys
):
    calibrate(opened.path, images=good, false_alarms="0.001")
    assert open_bundle(opened.path).manifest.threshold.method == "tail"
    assert "999 would settle it (987 more)" in capsys.readouterr().out


def test_machines_get_one_json_object(opened, good, capsys):
    calibrate(opened.path, images=good, false_alarms="0.1", as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["method"] == "conformal"
    assert shown["images"] == 12
    assert shown["advice"] is None


def test_a_threshold_by_hand_keeps_the_good_scores(opened, good, capsys):
    calibrate(opened.path, images=good)
    found = open_bundle(opened.path).manifest.threshold
    calibrate(opened.path, threshold=0.25)
    moved = open_bundle(opened.path).manifest.threshold
    assert (moved.value, moved.method) == (0.25, "manual")
    assert moved.good_scores == found.good_scores
    calibrate(opened.path, images=good, threshold=0.35)
    assert open_bundle(opened.path).manifest.threshold.value == 0.35


def test_images_that_were_trained_on_give_a_warning(opened, good, capsys):
    record = {"train": [content_hash(path) for path in good.iterdir()], "holdout": []}
    with_file(opened, "data.json", json.dumps(record).encode())
    calibrate(opened.path, images=good)
    assert "trained on 12 of these images" in capsys.readouterr().out


def test_what_cannot_be_done_is_an_error_and_changes_nothing(opened, good, tmp_path):
    before = contents(opened)
    (tmp_path / "few").mkdir()
    cv2.imwrite(str(tmp_path / "few/0.png"), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(ConfigError, match="Give --images"):
        calibrate(opened.path)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        calibrate(opened.path, threshold=1.5)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        calibrate(opened.path, images=good, false_alarms="0")
    with pytest.raises(DatasetError, match="1 good images are too few"):
        calibrate(opened.path, images=tmp_path / "few")
    with pytest.raises(DatasetError, match="There is no folder"):
        calibrate(opened.path, images=tmp_path / "gone")
    (good / "005.png").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"005\.png is empty"):
        calibrate(opened.path, images=good)
    assert contents(opened) == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--int8", "--images", "GOOD", "--threshold", "0.5"], "--threshold does not go with"),
        (["--int8", "--images", "GOOD", "--backend", "openvino"], "--backend does not go with"),
        (["--int8", "--images", "GOOD", "--yes"], "--yes does not go with --int8"),
        (["--int8"], "needs good images"),
        (["--images", "GOOD", "--method", "mse"], "--method does not go with finding a thr"),
        (["--images", "GOOD", "--auroc-drop", "0.002"], "--auroc-drop does not go with"),
        (["--images", "GOOD", "--rank", "0.999"], "--rank does not go with finding a thr"),
        (["--images", "GOOD", "--report", "int8.html"], "--report does not go with finding a thr"),
        (["--images", "GOOD", "--yes"], "--yes does not go with finding a thr"),
        (["--threshold", "0.5", "--false-alarms", "0.01"], "--false-alarms does not go with"),
        (["--threshold", "0.5", "--rank", "1"], "--rank does not go with --threshold"),
        (["--add-reviewed", "GOOD", "--images", "GOOD"], "--images does not go with --add-rev"),
        (["--add-reviewed", "GOOD", "--int8"], "--int8 does not go with --add-reviewed"),
        (["--add-reviewed", "GOOD", "--method", "max"], "--method does not go with --add-rev"),
        (["--yes"], "--yes does not go with finding a thr"),
    ],
)
def test_an_option_that_nothing_would_come_of_is_refused_before_anything_is_read(
    run, good, tmp_path, words, says
):
    """There is not even a bundle."""
    absent = tmp_path / "absent.slsg"
    words = [str(good) if word == "GOOD" else word for word in words]
    code, said = run("calibrate", absent, *words)
    assert code == 2
    assert says in said
    assert not absent.exists()


def test_every_option_is_known_to_the_table_of_what_goes_together():
    command = typer.main.get_command_from_info(
        typer.models.CommandInfo(callback=calibrate),
        pretty_exceptions_short=False,
        rich_markup_mode=None,
    )
    options = {name for entry in command.params for name in entry.opts if name.startswith("--")}
    anywhere = {"--json", ""}
    assert options - anywhere == set(TAKEN_BY).union(*TAKEN_BY.values()) - anywhere


def test_the_help_shows_what_is_taken_where_nothing_is_given():
    app = typer.Typer()
    app.command()(calibrate)
    shown = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    for default in ("mse by default", "0.002 by default", "0.99 by default"):
        assert default in shown.replace("│ ", "").replace("│", "")


def test_what_is_no_bundle_is_an_error(good):
    with pytest.raises(BundleError, match="is not a bundle"):
        calibrate(good, images=good)
