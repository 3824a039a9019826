"""Rejects that a person has looked at, through `calibrate --add-reviewed`."""

import json

import cv2
import numpy as np
import pytest
from bundles import with_file

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.good_scores import GoodScore, GoodScores, good_scores_file
from slsg_edge.cli.calibrate import calibrate
from slsg_edge.contracts import SimulatedScore
from slsg_edge.data.splits import content_hash
from slsg_edge.errors import BundleError, ConfigError, DatasetError
from slsg_edge.runtime.detector import BackendChoice

RATE = 0.05


def write(path, level):
    """An image whose score is its grey value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((40, 50, 3), level, np.uint8))


@pytest.fixture
def bundle(opened, tmp_path, capsys):
    """Calibrated on twenty images between 60 and 79, whose scores the training left."""
    for index in range(20):
        write(tmp_path / f"good/{index:03}.png", 60 + index)
    good = tuple(
        GoodScore(content_hash(path), (60 + index) / 255, "held-out")
        for index, path in enumerate(sorted((tmp_path / "good").iterdir()))
    )
    simulated = (SimulatedScore("texture", 0.01, 92 / 255), SimulatedScore("texture", 0.01, 0.9))
    with_file(opened, "good_scores.json", good_scores_file(GoodScores(good, simulated)))
    calibrate(opened.path, images=tmp_path / "good", false_alarms=RATE)
    capsys.readouterr()
    return opened.path


@pytest.fixture
def rejects(tmp_path):
    """Three false alarms, and two real ones of which one is close to them."""
    for level in (85, 90, 95):
        write(tmp_path / f"rejects/good/{level}.png", level)
    for level in (93, 200):
        write(tmp_path / f"rejects/bad/{level}.png", level)
    write(tmp_path / "rejects/good/85_heat.jpg", 250)
    return tmp_path / "rejects"


def threshold(bundle):
    return open_bundle(bundle).manifest.threshold


def as_json(bundle, rejects, capsys, **options):
    calibrate(bundle, add_reviewed=rejects, as_json=True, **options)
    return json.loads(capsys.readouterr().out)


def test_first_it_shows_what_would_become_and_writes_nothing(bundle, rejects, capsys):
    before = (bundle / "manifest.json").read_bytes()
    shown = as_json(bundle, rejects, capsys)
    assert (bundle / "manifest.json").read_bytes() == before
    now, then = shown["now"], shown["then"]
    assert now["threshold"] == pytest.approx(79 / 255)
    assert then["threshold"] == pytest.approx(95 / 255)
    assert (now["images"], then["images"], then["reviewed"]) == (20, 23, 3)
    assert (now["false_alarms"], then["false_alarms"]) == (3, 0)
    assert (now["misses"], then["misses"]) == (0, 1)
    assert not shown["written"]


def test_people_see_both_thresholds_and_what_bad_ones_are_for(bundle, rejects, capsys):
    calibrate(bundle, add_reviewed=rejects)
    shown = capsys.readouterr().out
    for text in (
        *("3 of 3 (100%)", "0 of 3 (0%)", "0 of 2 (0%)", "1 of 2 (50%)"),
        *("95.png 0.3725", "they choose no threshold", "--yes", "not a sample of it"),
    ):
        assert text in shown


def test_with_yes_it_is_taken_and_every_image_is_recorded(bundle, rejects, capsys):
    before = threshold(bundle)
    assert as_json(bundle, rejects, capsys, yes=True)["written"]
    after = threshold(bundle)
    assert after.value == pytest.approx(95 / 255)
    assert after.false_alarm_rate == RATE  # that of the threshold there was
    assert set(before.images) < set(after.images)
    assert set(after.reviewed) == set(after.images) - set(before.images)
    assert after.data_fingerprint != before.data_fingerprint
    stage = open_bundle(bundle).manifest.stages["calibrate"]
    assert stage.settings["reviewed"] == 3
    first, then = stage.command.split(" && ")
    assert "--images" in first
    assert then == f"slsg-edge calibrate {{bundle}} --add-reviewed {rejects} --yes"


def test_operating_points_are_shown_before_and_after(bundle, rejects, capsys):
    shown = as_json(bundle, rejects, capsys)
    now, then = (shown[side]["points"] for side in ("now", "then"))
    assert [point["misses"] for point in (*now, *then)] == [0, 1]
    assert [point["found"] for point in (*now, *then)] == [1, 0.5]
    assert [point["chosen"] for point in (*now, *then)] == [True, True]
    calibrate(bundle, add_reviewed=rejects)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    before, after = ["chosen", "0.3098", "0", "of", "2"], ["chosen", "0.3725", "1", "of", "2"]
    assert ["1", "in", "20", *before, *after] in rows


def test_what_the_threshold_is_from_stays_with_it(bundle, rejects, capsys):
    before = threshold(bundle)
    as_json(bundle, rejects, capsys, yes=True)
    after = threshold(bundle)
    assert (after.simulated, after.left_out) == (before.simulated, before.left_out)
    assert after.simulated
    assert after.acquisitions == {}
    assert after.points


def test_the_ladder_chooses_anew_where_it_chose_before(bundle, rejects, tmp_path, capsys):
    calibrate(bundle, images=tmp_path / "good")
    assert threshold(bundle).chosen_by == "simulated anomalies"
    capsys.readouterr()
    as_json(bundle, rejects, capsys, yes=True)
    assert threshold(bundle).chosen_by == "simulated anomalies"


def test_auto_has_it_choose_in_any_case_and_is_recorded(bundle, rejects, capsys):
    assert threshold(bundle).chosen_by == "rate"
    as_json(bundle, rejects, capsys, yes=True, false_alarms="auto")
    assert threshold(bundle).chosen_by == "simulated anomalies"
    command = open_bundle(bundle).manifest.stages["calibrate"].command
    assert command.endswith("--yes --false-alarms auto")


def test_what_follows_is_said_once_it_is_taken(bundle, rejects, capsys):
    calibrate(bundle, add_reviewed=rejects)
    assert "next:" not in capsys.readouterr().out
    calibrate(bundle, add_reviewed=rejects, yes=True)
    assert f"next: slsg-edge eval {bundle} DATA" in capsys.readouterr().out


def test_no_image_counts_twice_under_whatever_name(bundle, rejects, capsys):
    as_json(bundle, rejects, capsys, yes=True)
    taken = (bundle / "manifest.json").read_bytes()
    (rejects / "good/90.png").rename(rejects / "good/again.png")
    shown = as_json(bundle, rejects, capsys, yes=True)
    assert (shown["then"], shown["written"]) == (None, False)
    assert "Good ones that count already: 3." in shown["notes"]
    assert (bundle / "manifest.json").read_bytes() == taken


def test_an_image_of_the_calibration_itself_counts_once(bundle, rejects, tmp_path, capsys):
    (tmp_path / "good/019.png").rename(rejects / "good/known.png")
    assert as_json(bundle, rejects, capsys)["then"]["images"] == 23


def test_an_image_that_was_trained_on_never_joins(bundle, rejects, capsys):
    record = {"train": [content_hash(rejects / "good/95.png")], "holdout": []}
    content = {"data.json": json.dumps(record).encode()}
    open_bundle(bundle).commit("train", content, command="x", started=0.0)
    shown = as_json(bundle, rejects, capsys)
    assert shown["then"]["threshold"] == pytest.approx(90 / 255)
    assert any("trained on, which do not count: 1" in note for note in shown["notes"])


@pytest.mark.parametrize("levels", [(), (1, 120, 254)])
def test_bad_ones_never_move_the_threshold(bundle, rejects, capsys, levels):
    for path in (rejects / "bad").iterdir():
        path.unlink()
    for level in levels:
        write(rejects / f"bad/{level}.png", level)
    assert as_json(bundle, rejects, capsys)["then"]["threshold"] == pytest.approx(95 / 255)


def test_bad_ones_alone_are_counted(bundle, rejects, capsys):
    for path in (rejects / "good").iterdir():
        path.unlink()
    shown = as_json(bundle, rejects, capsys, yes=True)
    assert (shown["then"], shown["now"]["misses"]) == (None, 0)
    calibrate(bundle, add_reviewed=rejects)
    assert "the threshold stays" in capsys.readouterr().out


def test_a_new_calibration_starts_over_and_says_so(bundle, rejects, tmp_path, capsys):
    as_json(bundle, rejects, capsys, yes=True)
    calibrate(bundle, images=tmp_path / "good", false_alarms=RATE)
    assert "no longer count, so add them again: 3" in capsys.readouterr().out
    assert threshold(bundle).reviewed == ()


def test_moved_by_hand_it_still_knows_its_images(bundle, rejects, capsys):
    as_json(bundle, rejects, capsys, yes=True)
    calibrate(bundle, threshold=0.9)
    assert "23 good images, 3 of them reviewed rejects" in capsys.readouterr().out
    assert len(threshold(bundle).reviewed) == 3


def test_where_the_line_is_judged_by_another_threshold_it_is_said(
    bundle, rejects, capsys, monkeypatch
):
    assert not any("watch" in note for note in as_json(bundle, rejects, capsys)["notes"])
    best = BackendChoice("openvino-int8", "int8", bundle / "model.int8.onnx", "the best")
    monkeypatch.setattr("slsg_edge.stages.reviewed.choose", lambda _: best)
    note = as_json(bundle, rejects, capsys)["notes"][-1]
    assert f"calibrate {bundle} --add-reviewed {rejects} --backend openvino-int8" in note


def test_what_is_no_review_is_an_error(bundle, rejects, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="holds no reviewed images"):
        calibrate(bundle, add_reviewed=tmp_path / "empty")
    with pytest.raises(DatasetError, match="holds no reviewed images"):
        calibrate(bundle, add_reviewed=tmp_path / "absent")
    with pytest.raises(ConfigError, match="--threshold does not go with --add-reviewed"):
        calibrate(bundle, add_reviewed=rejects, threshold=0.5)
    (rejects / "bad/200.png").write_bytes((rejects / "good/90.png").read_bytes())
    with pytest.raises(DatasetError, match="are the same image, 1 such"):
        calibrate(bundle, add_reviewed=rejects)
    (rejects / "bad/200.png").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"200\.png is empty"):
        calibrate(bundle, add_reviewed=rejects)


def test_a_threshold_of_unknown_images_cannot_be_joined(opened, rejects):
    with pytest.raises(BundleError, match="which good images its threshold is from"):
        calibrate(opened.path, add_reviewed=rejects)
