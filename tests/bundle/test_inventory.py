import json
import os
import time

import pytest
from bundles import sets

from slsg_edge.bundle import digests
from slsg_edge.bundle.commands import BUNDLE
from slsg_edge.bundle.folder import Manifest, new_bundle, open_bundle
from slsg_edge.bundle.inventory import inventory_of, summary_of
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.scoring import Threshold

FILES = ("weights.safetensors", "model.onnx", "golden.npz")


@pytest.fixture
def bundle(tmp_path):
    made = new_bundle(tmp_path / "x.slsg", Manifest("slsg", {"depth": 3}, Preprocessing()))
    for stage, files, inputs in (
        ("train", {"weights.safetensors": b"12345"}, ()),
        ("export", {"model.onnx": b"graph", "golden.npz": b"gold"}, ("weights.safetensors",)),
        ("calibrate", {}, ("model.onnx",)),
    ):
        made = made.commit(
            stage,
            files,
            command=f"slsg-edge {stage} {BUNDLE}",
            started=time.monotonic(),
            inputs=inputs,
            tools={"python": "3.12"},
            update=sets(threshold=Threshold(0.4, "manual")),
        )
    return made


def states(bundle):
    found = inventory_of(open_bundle(bundle.path))
    return {entry.name: entry.state for entry in (*found.stages, *found.files)}


def test_everything_is_fresh_with_its_size(bundle):
    assert set(states(bundle).values()) == {"fresh"}
    assert [entry.size for entry in inventory_of(bundle).files] == [5, 5, 4]


def test_a_damaged_and_a_missing_file_are_shown_and_raise_nothing(bundle):
    (bundle.path / "model.onnx").write_bytes(b"grap")
    (bundle.path / "golden.npz").unlink()
    found = states(bundle)
    assert (found["model.onnx"], found["golden.npz"]) == ("damaged", "missing")
    assert (found["export"], found["calibrate"]) == ("fresh", "stale")
    assert found["weights.safetensors"] == "fresh"


def test_what_was_made_from_older_weights_is_stale_with_the_command(bundle):
    bundle.commit("train", {"weights.safetensors": b"new"}, command="slsg-edge train", started=0.0)
    found = inventory_of(open_bundle(bundle.path))
    assert [entry.state for entry in found.stages] == ["fresh", "stale", "stale"]
    assert [entry.state for entry in found.files] == ["fresh", "stale", "stale"]
    assert f"Run: slsg-edge export {bundle.path}" in found.stages[1].reason


def test_each_file_is_read_once(bundle, monkeypatch):
    time.sleep(0.15)  # until the file system's time stamps could tell a change
    reads = []
    read = digests._sha256_of

    def count(file):
        reads.append(os.fstat(file.fileno()).st_ino)
        return read(file)

    monkeypatch.setattr(digests, "_sha256_of", count)
    inventory_of(open_bundle(bundle.path))
    assert sorted(reads) == sorted((bundle.path / name).stat().st_ino for name in FILES)


def test_the_summary_is_plain_json(bundle):
    summary = json.loads(json.dumps(summary_of(inventory_of(bundle))))
    assert summary["threshold"]["value"] == 0.4
    assert summary["stages"][0]["tools"] == "python 3.12"
    assert summary["files"][0]["state"] == "fresh"
