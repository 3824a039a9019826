"""`calibrate --defects`: what is missed at each operating point, and the choice by costs."""

import hashlib
import json
import math

import cv2
import numpy as np
import pytest
from bundles import with_file

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.good_scores import GoodScore, GoodScores, good_scores_file
from slsg_edge.calibration.costs import Costs
from slsg_edge.cli.calibrate import calibrate
from slsg_edge.contracts import SimulatedScore
from slsg_edge.data.splits import content_hash
from slsg_edge.errors import ConfigError, DatasetError
from slsg_edge.metrics.intervals import exact_share
from slsg_edge.runtime.detector import choose
from slsg_edge.stages.threshold import Choice


def write(path, level, height=40):
    """An image whose score is its grey value / 255."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((height, 50, 3), level, np.uint8))


@pytest.fixture
def bundle(opened):
    """With the scores of 99 good images, from 1 to 99 of 255; 1 in 100 stands at 99, 1 in 20 at
    95."""
    good = [
        GoodScore(hashlib.sha256(bytes([level])).hexdigest(), level / 255, "left-out")
        for level in range(1, 100)
    ]
    simulated = [SimulatedScore("texture", 0.01, 0.6)] * 3
    content = good_scores_file(GoodScores(tuple(good), tuple(simulated)))
    return with_file(opened, "good_scores.json", content).path


@pytest.fixture
def defects(tmp_path):
    """Of ten, four are below the strictest threshold and one below the loosest."""
    for level in (90, 96, 97, 98, *range(150, 156)):
        write(tmp_path / f"defects/kind{level % 2}/{level}.png", level)
    write(tmp_path / "defects/kind1/copy.png", 90)
    return tmp_path / "defects"


def threshold(bundle):
    return open_bundle(bundle).manifest.threshold


def record(bundle):
    return open_bundle(bundle).manifest.stages["calibrate"].settings


def as_json(bundle, capsys, **options):
    calibrate(bundle, as_json=True, **options)
    return json.loads(capsys.readouterr().out)


def test_they_are_counted_and_choose_nothing(bundle, defects, capsys):
    without = as_json(bundle, capsys)
    shown = as_json(bundle, capsys, defects=defects)
    assert [(point["missed"], point["defects"]) for point in shown["points"]] == [
        *((4, 10), (3, 10), (1, 10))
    ]
    expected = exact_share(4, 10)
    assert shown["points"][0]["missed_interval"] == [expected.low, expected.high]
    for key in ("threshold", "false_alarm_rate", "chosen_by", "data_fingerprint", "images"):
        assert shown[key] == without[key]
    assert shown["chosen_by"] == "simulated anomalies"
    stored = threshold(bundle)
    assert [point.missed for point in stored.points] == [4, 3, 1]
    left = record(bundle)
    assert (left["defects"], left["chosen_by"]) == (10, "simulated anomalies")
    assert (left["cost_miss"], left["cost_false_alarm"], left["defect_rate"]) == (None,) * 3


def test_people_see_the_share_with_its_interval_and_what_follows(bundle, defects, capsys):
    calibrate(bundle, defects=defects)
    shown = capsys.readouterr().out
    assert "4 of 10, 12 to 74 %" in shown
    assert "cost" not in shown
    assert f"next: slsg-edge eval {bundle} DATA, or slsg-edge watch {bundle} SOURCE" in shown


def test_with_costs_the_cheapest_rate_is_taken_and_recorded(bundle, defects, capsys):
    shown = as_json(bundle, capsys, defects=defects, cost_miss=1000.0, cost_false_alarm=1.0)
    assert (shown["false_alarm_rate"], shown["chosen_by"]) == (1 / 20, "defects and costs")
    assert shown["points"][2]["cost"] == pytest.approx(0.01 * 1000 * 0.1 + 0.99 / 20)
    assert shown["defect_rate"] == 0.01
    assert threshold(bundle).value == pytest.approx(95 / 255)
    assert threshold(bundle).chosen_by == "defects and costs"
    left = record(bundle)
    assert (left["defects"], left["chosen_by"]) == (10, "defects and costs")
    assert (left["cost_miss"], left["cost_false_alarm"], left["defect_rate"]) == (1000, 1, 0.01)
    command = open_bundle(bundle).manifest.stages["calibrate"].command
    assert command.endswith("--cost-miss 1000 --cost-false-alarm 1 --defect-rate 0.01")
    rare = {"cost_miss": 1000.0, "cost_false_alarm": 1.0, "defect_rate": 0.00001}
    assert as_json(bundle, capsys, defects=defects, **rare)["false_alarm_rate"] == 1 / 100


def test_people_see_the_costs_and_the_share_that_was_taken(bundle, defects, capsys):
    calibrate(bundle, defects=defects, cost_miss=1000.0, cost_false_alarm=1.0)
    shown = capsys.readouterr().out
    for text in ("cost", "1.05", "0.01 of all parts are defective", "--defect-rate sets"):
        assert text in shown
    assert "1 in 20 costs least" in shown
    assert "do not test it any more" in shown


def test_fewer_than_eight_are_counted_and_not_chosen_by(bundle, tmp_path, capsys):
    for level in range(150, 157):
        write(tmp_path / f"few/{level}.png", level)
    before = (bundle / "manifest.json").read_bytes()
    with pytest.raises(DatasetError, match=r"7 defects are too few .* at least 8"):
        calibrate(bundle, defects=tmp_path / "few", cost_miss=1.0, cost_false_alarm=1.0)
    assert (bundle / "manifest.json").read_bytes() == before
    assert as_json(bundle, capsys, defects=tmp_path / "few")["points"][0]["defects"] == 7


def test_defects_in_the_undecided_band_are_not_called_missed(bundle, defects, capsys):
    shown = as_json(bundle, capsys, defects=defects, undecided_band=True)
    assert "Of 10 defects 1 are good and 3 undecided." in shown["notes"]


def test_a_calibration_without_them_says_that_they_count_no_longer(bundle, defects, capsys):
    as_json(bundle, capsys, defects=defects, cost_miss=1000.0, cost_false_alarm=1.0)
    (note,) = [note for note in as_json(bundle, capsys)["notes"] if "--defects DIR" in note]
    assert "tested on 10 defects" in note
    assert "It was chosen by them." in note
    assert threshold(bundle).points[0].defects is None


def test_they_are_scored_on_the_backend_that_the_threshold_is_for(
    bundle, defects, monkeypatch, capsys
):
    asked = []

    def spying(bundle, backend):
        asked.append(backend)
        return choose(bundle, backend)

    monkeypatch.setattr("slsg_edge.stages.defects.choose", spying)
    shown = as_json(bundle, capsys, defects=defects, backend="openvino-fp32")
    assert asked == ["openvino-fp32"]
    assert shown["points"][0]["missed"] == 4


def test_python_users_cannot_give_costs_alone():
    with pytest.raises(ConfigError, match="Costs need defects"):
        Choice(costs=Costs(1, 1))


def test_moved_by_hand_the_points_stay_and_none_is_chosen(bundle, defects, capsys):
    as_json(bundle, capsys, defects=defects)
    as_json(bundle, capsys, threshold=0.5)
    moved = threshold(bundle)
    assert (moved.method, moved.left_out) == ("manual", 99)
    assert [(point.missed, point.chosen) for point in moved.points] == [
        *((4, False), (3, False), (1, False))
    ]
    assert record(bundle)["chosen_by"] is None


@pytest.mark.parametrize("part", ["train", "holdout"])
def test_an_image_of_the_training_is_no_defect(bundle, defects, part, capsys):
    path = defects / "kind0/150.png"
    known = {"train": [], "holdout": []} | {part: [content_hash(path)]}
    with_file(open_bundle(bundle), "data.json", json.dumps(known).encode())
    before = (bundle / "manifest.json").read_bytes()
    with pytest.raises(DatasetError, match=r"1 of 10 images .*150\.png"):
        calibrate(bundle, defects=defects)
    assert (bundle / "manifest.json").read_bytes() == before


def test_an_image_that_is_calibrated_with_is_no_defect(bundle, defects, tmp_path):
    write(tmp_path / "good/again.png", 90)
    with pytest.raises(DatasetError, match=r"1 of 10 images .*(90|copy)\.png"):
        calibrate(bundle, images=tmp_path / "good", defects=defects)


def test_what_cannot_be_scored_is_named(bundle, defects, monkeypatch, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="holds no images"):
        calibrate(bundle, defects=tmp_path / "empty")
    (defects / "kind1/151.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"151\.png"):
        calibrate(bundle, defects=defects)
    write(defects / "kind1/151.png", 151)
    monkeypatch.setattr(
        "slsg_edge.stages.defects.scores_of",
        lambda _, paths, *__: [math.nan if path.stem == "151" else 0.5 for path in paths],
    )
    before = (bundle / "manifest.json").read_bytes()
    with pytest.raises(DatasetError, match=r"151\.png has the score nan"):
        calibrate(bundle, defects=defects)
    assert (bundle / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--cost-miss 5 --cost-false-alarm 1", "--cost-miss needs defects"),
        ("--defect-rate 0.1", "--defect-rate needs defects"),
        ("--defects D --cost-miss 5", "--cost-miss is worth nothing without --cost-false-alarm"),
        ("--defects D --cost-false-alarm 5", "nothing without --cost-miss"),
        ("--defects D --defect-rate 0.1", "--defect-rate is worth nothing without --cost-miss"),
        (
            "--defects D --cost-miss 5 --cost-false-alarm 1 --false-alarms 0.1",
            "--false-alarms does not go with --cost-miss",
        ),
        (
            "--defects D --cost-miss 5 --cost-false-alarm 1 --undecided-band",
            "--undecided-band does not go with --cost-miss",
        ),
        ("--threshold 0.5 --defects D", "--defects does not go with --threshold"),
        ("--int8 --images D --defects D", "--defects does not go with --int8"),
        ("--add-reviewed D --defects D", "--defects does not go with --add-reviewed"),
        ("--add-reviewed D --cost-miss 5", "--cost-miss does not go with --add-reviewed"),
        ("--defects D --cost-miss 0 --cost-false-alarm 1", "The cost of a miss is 0"),
        ("--defects D --cost-miss 1 --cost-false-alarm nan", "The cost of a false alarm is nan"),
        ("--defects D --cost-miss 1 --cost-false-alarm 1 --defect-rate 1", "is not between 0 and"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_anything_is_read(run, tmp_path, words, says):
    code, said = run("calibrate", tmp_path / "absent.slsg", *words.split())
    assert code == 2
    assert says in said


def test_a_refused_option_names_what_goes_with_costs():
    with pytest.raises(ConfigError) as raised:
        calibrate(None, cost_miss=1.0, yes=True)
    assert "--defects, --cost-miss, --cost-false-alarm, --defect-rate" in raised.value.fix
