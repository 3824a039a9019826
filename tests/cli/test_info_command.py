import json
import time

import pytest
from bundles import sets, with_file, with_threshold

from slsg_edge.bundle.folder import Manifest, new_bundle
from slsg_edge.bundle.good_scores import GoodScore, GoodScores, good_scores_file
from slsg_edge.calibration.operating_points import (
    AcquiredScore,
    choose_threshold,
    with_undecided_band,
)
from slsg_edge.cli.info import info
from slsg_edge.errors import BundleError
from slsg_edge.preprocessing import Preprocessing, Roi
from slsg_edge.scoring import Threshold


@pytest.fixture
def bundle(tmp_path):
    spec = Preprocessing(128, 96, "letterbox", Roi(1, 2, 30, 40))
    made = new_bundle(tmp_path / "x.slsg", Manifest("slsg", {"variant": "edge"}, spec))
    threshold = Threshold(0.4, "tail", 0.001, (0.35, 0.55), (0.1, 0.2))
    for stage, files, inputs in (
        ("train", {"weights.safetensors": b"12345"}, ()),
        ("export", {"model.onnx": b"graph"}, ("weights.safetensors",)),
        ("calibrate", {}, ("model.onnx",)),
    ):
        made = made.commit(
            stage,
            files,
            command=f"slsg-edge {stage} '[x]'",
            started=time.monotonic(),
            inputs=inputs,
            update=sets(threshold=threshold),
        )
    return made


def test_people_see_what_the_bundle_is(bundle, capsys):
    info(bundle.path, verbose=True)
    shown = capsys.readouterr().out
    for text in (
        "slsg",
        "variant edge",
        "96x128, letterbox, region 1,2,30,40",
        "threshold  0.4 (tail), 90 % interval 0.35 to 0.55, false alarms 1 in 1000, 2 good images",
        "model.onnx",
        "fresh",
    ):
        assert text in shown
    assert "stale" not in shown


def test_a_stale_stage_is_shown_with_what_to_run(bundle, capsys):
    bundle.commit("train", {"weights.safetensors": b"new"}, command="train", started=0.0)
    info(bundle.path)
    shown = capsys.readouterr().out
    assert "stale" in shown
    assert "Run: slsg-edge export '[x]'" in shown


def test_machines_get_one_json_object(bundle, capsys):
    (bundle.path / "model.onnx").write_bytes(b"other")
    info(bundle.path, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["threshold"]["images"] == 2
    assert {entry["name"]: entry["state"] for entry in shown["files"]} == {
        "weights.safetensors": "fresh",
        "model.onnx": "damaged",
    }


GOOD = tuple(AcquiredScore(0.1 + index / 1000) for index in range(200))


def said(bundle, capsys, verbose=False):
    info(bundle.path, verbose=verbose)
    return capsys.readouterr().out


def test_it_begins_with_whether_the_bundle_is_ready_and_the_next_command(bundle, capsys):
    start = f"ready to watch\nnext: slsg-edge watch {bundle.path} SOURCE\n"
    assert said(bundle, capsys).startswith(start)
    (bundle.path / "model.onnx").write_bytes(b"other")
    shown = said(bundle, capsys)
    assert shown.startswith(f"not ready: {bundle.path}/model.onnx is not the file that 'export'")
    assert "\nnext: slsg-edge export '[x]'\n" in shown


def test_what_is_missing_is_said_with_the_command(tmp_path, capsys):
    made = new_bundle(tmp_path / "x.slsg", Manifest("slsg", {}, Preprocessing()))
    made = made.commit("train", {"weights.safetensors": b"1"}, command="train", started=0.0)
    start = f"not ready: It is not exported yet.\nnext: slsg-edge export {made.path}\n"
    assert said(made, capsys).startswith(start)
    made = made.commit("export", {"model.onnx": b"graph"}, command="export", started=0.0)
    start = f"not ready: It has no threshold yet.\nnext: slsg-edge calibrate {made.path}"
    assert said(made, capsys).startswith(f"{start} --images DIR\n")
    scores = GoodScores((GoodScore("a", 0.1, "left-out"),))
    made = with_file(made, "good_scores.json", good_scores_file(scores))
    assert said(made, capsys).startswith(f"{start}\n")


def test_the_operating_points_are_a_table_with_why_the_threshold_was_chosen(bundle, capsys):
    simulated = {"texture, small": (0.05,) * 2 + (0.9,) * 18}
    shown = said(with_threshold(bundle, choose_threshold(GOOD, simulated)), capsys, verbose=True)
    rows = [line.split() for line in shown.splitlines()]
    assert ["chosen", "1", "in", "50", "0.296"] in [row[:5] for row in rows if row[-1:] == ["90%"]]
    assert ["1", "in", "20", "0.29"] in [row[:4] for row in rows if row[-1:] == ["90%"]]
    assert "note: 1 in 50 is the strictest rate" in shown
    assert "…" not in shown  # nothing is cut off where there is no terminal
    assert "weak" not in shown


def test_a_weak_threshold_and_an_undecided_band_are_said(bundle, capsys):
    weak = choose_threshold(GOOD, {"texture, small": (0.05,) * 20})
    made = with_threshold(bundle, weak)
    assert "note: This threshold is weak: 100% of the simulated" in said(made, capsys)
    info(made.path, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["weakness"].startswith("This threshold is weak")
    assert [point["false_alarm_rate"] for point in shown["threshold"]["points"]] == [
        0.01,
        0.02,
        0.05,
    ]
    assert (shown["ready"], shown["next"].split()[1], shown["older"]) == (True, "watch", None)
    banded = with_threshold(made, with_undecided_band(weak))
    assert "note: Scores above 0.29 and up to 0.298 are undecided" in said(banded, capsys)


def test_a_threshold_of_an_earlier_version_stays_valid_and_is_called_so(bundle, capsys):
    shown = said(bundle, capsys)
    assert "of the old kind" in shown
    assert f"To find a new one: slsg-edge calibrate {bundle.path} --images DIR" in shown
    assert "old kind" not in said(with_threshold(bundle, Threshold(0.4, "manual")), capsys)


def test_a_damaged_manifest_is_an_error(bundle):
    (bundle.path / "manifest.json").write_bytes(b"{")
    with pytest.raises(BundleError, match="is damaged"):
        info(bundle.path)


def test_names_are_shown_as_they_are(bundle, capsys):
    manifest = bundle.path / "manifest.json"
    table = json.loads(manifest.read_text())
    stage = {**table["stages"]["train"], "outputs": {"[red] notes.txt": "0", ":bug:.txt": "0"}}
    table["stages"]["note [/top]"] = stage
    manifest.write_text(json.dumps(table))
    info(bundle.path)
    shown = capsys.readouterr().out
    for name in ("note [/top]", "[red] notes.txt", ":bug:.txt"):
        assert name in shown
