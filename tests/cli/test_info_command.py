import json
import time

import pytest
from bundles import sets

from slsg_edge.bundle.folder import Manifest, new_bundle
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
            command=f"slsg-edge {stage} [x]",
            started=time.monotonic(),
            inputs=inputs,
            update=sets(threshold=threshold),
        )
    return made


def test_people_see_what_the_bundle_is(bundle, capsys):
    info(bundle.path)
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
    assert "Run: slsg-edge export [x]" in shown


def test_machines_get_one_json_object(bundle, capsys):
    (bundle.path / "model.onnx").write_bytes(b"other")
    info(bundle.path, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["threshold"]["images"] == 2
    assert {entry["name"]: entry["state"] for entry in shown["files"]} == {
        "weights.safetensors": "fresh",
        "model.onnx": "damaged",
    }


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
