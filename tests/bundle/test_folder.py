import errno
import os
import time

import pytest
from bundles import commit, rewrite

from slsg_edge.bundle.folder import Manifest, check_name, new_bundle, open_bundle
from slsg_edge.bundle.tolerances import DEFAULTS, Tolerance
from slsg_edge.errors import (
    BundleError,
    ConfigError,
    StaleBundle,
    StorageError,
    UntrustedBundle,
)
from slsg_edge.preprocessing import Preprocessing, Roi
from slsg_edge.scoring import Tail, Threshold

PREPROCESSING = Preprocessing(128, 96, "letterbox", Roi(1, 2, 30, 40))
THRESHOLD = Threshold(
    0.4, "tail", 0.001, (0.3, 0.5), (0.1, 0.2), Tail(-2.0, 0.5, 0.1, 0.2), data_fingerprint="ab"
)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_was_committed_is_read_again(whole):
    again = open_bundle(whole.path)
    assert again == whole
    assert again.manifest.threshold == THRESHOLD
    assert again.manifest.preprocessing == PREPROCESSING
    assert again.file("model.onnx").read_bytes() == b"graph"


def test_thresholds_of_backends_and_tolerances_are_read_again(whole):
    limits = {"int8": Tolerance(0.1, 0.2, 0.3, 0.4), "openvino-int8": Tolerance(0.5, 0.6, 0.7, 0.8)}
    both = commit(
        whole,
        "threshold-x",
        {},
        changes={"thresholds": {"openvino-int8": THRESHOLD}, "tolerances": limits},
    )
    again = open_bundle(both.path).manifest
    assert again.thresholds == {"openvino-int8": THRESHOLD}
    assert again.tolerances == {**DEFAULTS, **limits}


def test_a_manifest_of_before_there_were_any_still_opens(whole):
    path = rewrite(whole, lambda table: (table.pop("thresholds"), table.pop("tolerances")))
    manifest = open_bundle(path).manifest
    assert manifest.threshold == THRESHOLD
    assert (manifest.thresholds, manifest.tolerances) == ({}, DEFAULTS)


def test_tolerances_are_recorded_for_people_to_change(whole):
    def loosen(table):
        table["tolerances"]["int8"]["score"] = 0.25

    assert open_bundle(rewrite(whole, loosen)).manifest.tolerances["int8"].score == 0.25


def test_a_bundle_works_at_another_place_and_without_the_weights(whole, tmp_path):
    moved = whole.path.rename(tmp_path / "y.slsg")
    (moved / "weights.safetensors").unlink()
    assert open_bundle(moved).file("model.onnx").read_bytes() == b"graph"


def test_a_file_that_no_stage_wrote_names_the_next_step(trained):
    with pytest.raises(BundleError, match=r"holds no model\.onnx yet.*Run: slsg-edge export"):
        trained.file("model.onnx")


@pytest.mark.parametrize("content", [b"", b"grap", b"graph and more", b"GRAPH"])
def test_a_truncated_or_changed_file_is_not_handed_out(whole, content):
    (whole.path / "model.onnx").write_bytes(content)
    with pytest.raises(UntrustedBundle, match=r"model\.onnx is not.*slsg-edge export .*x\.slsg"):
        open_bundle(whole.path).file("model.onnx")


def test_a_missing_file_is_an_error(whole):
    (whole.path / "model.onnx").unlink()
    with pytest.raises(BundleError, match=r"model\.onnx cannot be read"):
        whole.file("model.onnx")


def test_after_new_training_the_model_is_stale_and_says_what_to_run(whole):
    again = commit(whole, "train", {"weights.safetensors": b"better", "data.json": b"{}"})
    with pytest.raises(StaleBundle, match=r"'export' is stale.*Run: slsg-edge export .*x\.slsg"):
        again.file("model.onnx")
    with pytest.raises(StaleBundle, match="'export' is stale"):
        again.require_fresh("calibrate")
    fresh = commit(again, "export", {"model.onnx": b"new"}, inputs=("weights.safetensors",))
    assert fresh.file("model.onnx").read_bytes() == b"new"
    with pytest.raises(StaleBundle, match="'calibrate' is stale"):
        fresh.require_fresh("calibrate")


def test_an_input_changed_by_hand_makes_what_follows_stale(whole):
    (whole.path / "weights.safetensors").write_bytes(b"tampered")
    with pytest.raises(StaleBundle, match=r"weights\.safetensors has changed"):
        open_bundle(whole.path).file("model.onnx")


def test_training_anew_into_the_same_place_keeps_the_later_stages_as_stale(whole):
    bundle = new_bundle(whole.path, Manifest("slsg", {}, PREPROCESSING))
    again = commit(bundle, "train", {"weights.safetensors": b"other"})
    assert list(again.manifest.stages) == ["train", "export", "calibrate"]
    assert again.manifest.threshold == THRESHOLD
    with pytest.raises(StaleBundle):
        again.file("model.onnx")


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="is not a bundle"):
        open_bundle(tmp_path)
    with pytest.raises(BundleError, match=r"There is no .*gone\.slsg"):
        open_bundle(tmp_path / "gone.slsg")


def test_a_full_disk_leaves_the_bundle_as_it_was(whole, monkeypatch):
    before = contents(whole.path)

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        commit(whole, "export", {"model.onnx": b"new"}, inputs=("weights.safetensors",))
    assert contents(whole.path) == before


def test_a_stage_whose_input_is_stale_writes_nothing(whole):
    again = commit(whole, "train", {"weights.safetensors": b"better"})
    before = contents(whole.path)
    with pytest.raises(StaleBundle):
        commit(again, "calibrate", {}, inputs=("model.onnx",), changes={"threshold": THRESHOLD})
    assert contents(whole.path) == before


def test_a_number_that_is_none_never_gets_into_a_manifest(whole):
    before = contents(whole.path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        commit(whole, "calibrate", {}, settings={"rate": float("nan")})
    assert contents(whole.path) == before


def test_names_that_cannot_become_a_bundle_are_refused(tmp_path):
    (tmp_path / "file.slsg").write_text("x")
    (tmp_path / "other.slsg").mkdir()
    (tmp_path / "other.slsg/photo.png").write_text("x")
    (tmp_path / "empty.slsg").mkdir()
    for name, message in {
        "x": "no name of a bundle",
        "file.slsg": "is a file",
        "other.slsg": "other things in it",
    }.items():
        with pytest.raises(ConfigError, match=message):
            check_name(tmp_path / name)
    check_name(tmp_path / "empty.slsg")
    check_name(tmp_path / "new.slsg")


def test_a_file_that_changes_after_it_was_read_is_read_again(whole):
    time.sleep(0.15)  # until its digest may be kept
    opened = open_bundle(whole.path)
    opened.file("model.onnx")
    opened.file("model.onnx")
    (whole.path / "model.onnx").write_bytes(b"GRAPH")
    with pytest.raises(UntrustedBundle):
        opened.file("model.onnx")


def test_tolerances_of_another_detector_do_not_stay(whole):
    limits = {**DEFAULTS, "int8": Tolerance(0.1, 0.2, 0.3, 0.4)}
    same = new_bundle(whole.path, Manifest("slsg", {}, PREPROCESSING, tolerances=limits))
    other = new_bundle(whole.path, Manifest("npad", {}, PREPROCESSING, tolerances=limits))
    assert same.manifest.tolerances == DEFAULTS
    assert other.manifest.tolerances == limits


def test_one_stage_is_copied_as_it_was_recorded(whole, tmp_path):
    copy = whole.copy_stage("train", tmp_path / "copy.slsg")
    assert open_bundle(copy.path) == copy
    assert list(copy.manifest.stages) == ["train"]
    assert copy.manifest.stages["train"] == whole.manifest.stages["train"]
    assert copy.file("weights.safetensors").read_bytes() == b"weights"
    assert copy.command_of("train") == f"slsg-edge train {copy.path}"
