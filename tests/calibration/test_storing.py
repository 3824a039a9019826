import json
import time

import pytest

from slsg_edge.bundle.folder import Manifest, new_bundle, open_bundle
from slsg_edge.bundle.thresholds import threshold_of
from slsg_edge.bundle.training_record import TrainedOn, trained_on
from slsg_edge.calibration.storing import moved_by_hand, store_threshold
from slsg_edge.calibration.threshold import threshold_from_scores
from slsg_edge.errors import BundleError, ConfigError, StaleBundle, UntrustedBundle
from slsg_edge.preprocessing import Preprocessing

THRESHOLD = threshold_from_scores([0.01 * index for index in range(1, 31)])
RECORD = json.dumps({"train": ["a", "b"], "holdout": ["c"]}).encode()


def commit(bundle, stage, files):
    return bundle.commit(stage, files, command=f"slsg-edge {stage}", started=time.monotonic())


@pytest.fixture
def bundle(tmp_path):
    made = new_bundle(tmp_path / "x.slsg", Manifest("slsg", {}, Preprocessing()))
    return commit(commit(made, "train", {"data.json": RECORD}), "export", {"model.onnx": b"graph"})


def test_a_stored_threshold_is_read_again(bundle):
    store_threshold(bundle, THRESHOLD, "slsg-edge calibrate x", time.monotonic())
    again = open_bundle(bundle.path)
    assert threshold_of(again) == THRESHOLD
    assert again.manifest.stages["calibrate"].settings["images"] == 30


def test_without_a_threshold_the_next_step_is_named(bundle):
    with pytest.raises(BundleError, match=r"has no threshold yet.*Run: slsg-edge calibrate"):
        threshold_of(bundle)


def test_a_threshold_of_an_older_model_is_stale(bundle):
    done = store_threshold(bundle, THRESHOLD, "slsg-edge calibrate x", time.monotonic())
    with pytest.raises(StaleBundle, match="Run: slsg-edge calibrate x"):
        threshold_of(commit(done, "export", {"model.onnx": b"better"}))


def test_without_a_model_nothing_is_stored(tmp_path):
    made = new_bundle(tmp_path / "x.slsg", Manifest("slsg", {}, Preprocessing()))
    trained = commit(made, "train", {"data.json": RECORD})
    with pytest.raises(BundleError, match="Run: slsg-edge export"):
        store_threshold(trained, THRESHOLD, "slsg-edge calibrate x", time.monotonic())


def test_a_threshold_moved_by_hand_keeps_the_good_scores_of_the_same_model_only(bundle):
    assert moved_by_hand(bundle, 0.6).good_scores == ()
    done = store_threshold(bundle, THRESHOLD, "slsg-edge calibrate x", time.monotonic())
    moved = moved_by_hand(done, 0.6)
    assert (moved.value, moved.method) == (0.6, "manual")
    assert moved.good_scores == THRESHOLD.good_scores
    assert moved.interval is None
    again = commit(done, "export", {"model.onnx": b"better"})
    assert moved_by_hand(again, 0.6).good_scores == ()
    with pytest.raises(ConfigError, match="between 0 and 1"):
        moved_by_hand(done, 1.5)


def test_a_backend_whose_scores_move_gets_its_own_beside_the_references(bundle):
    both = commit(bundle, "calibrate-int8", {"model.int8.onnx": b"quantised"})
    both = store_threshold(both, THRESHOLD, "slsg-edge calibrate x", time.monotonic())
    other = threshold_from_scores([0.02 * index for index in range(1, 31)])
    command = "slsg-edge calibrate x --backend openvino-int8"
    both = store_threshold(both, other, command, time.monotonic(), "openvino-int8")
    again = open_bundle(both.path)
    assert (threshold_of(again), threshold_of(again, "openvino-int8")) == (THRESHOLD, other)
    moved = moved_by_hand(again, 0.7, "openvino-int8")
    assert moved.good_scores == other.good_scores
    changed = commit(again, "calibrate-int8", {"model.int8.onnx": b"better"})
    with pytest.raises(StaleBundle, match="Run: slsg-edge calibrate x --backend openvino-int8"):
        threshold_of(changed, "openvino-int8")


def test_all_fp32_backends_share_one(bundle):
    store_threshold(bundle, THRESHOLD, "c", time.monotonic(), "openvino-fp32")
    assert threshold_of(open_bundle(bundle.path)) == THRESHOLD


def test_a_backend_without_a_model_gets_no_threshold(bundle):
    with pytest.raises(BundleError, match=r"holds no model\.int8\.onnx yet"):
        store_threshold(bundle, THRESHOLD, "c", time.monotonic(), "openvino-int8")


def test_what_was_trained_on_is_read_where_it_is_known(bundle, tmp_path):
    assert trained_on(bundle) == TrainedOn(frozenset({"a", "b"}), frozenset({"c"}))
    unknown = new_bundle(tmp_path / "y.slsg", Manifest("slsg", {}, Preprocessing()))
    assert trained_on(commit(unknown, "train", {"weights.safetensors": b""})) is None


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"train": 3, "holdout": []}', b"{}"])
def test_a_record_of_another_shape_is_an_error(bundle, content):
    with pytest.raises(UntrustedBundle, match=r"data\.json is damaged"):
        trained_on(commit(bundle, "train", {"data.json": content}))
