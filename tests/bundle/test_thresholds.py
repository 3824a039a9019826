import time
from dataclasses import replace

import pytest
from bundles import sets, with_file

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.good_scores import GoodScore, GoodScores, good_scores_file
from slsg_edge.bundle.thresholds import (
    calibration_command,
    judging_threshold_name,
    threshold_of,
)
from slsg_edge.errors import BundleError, StaleBundle
from slsg_edge.scoring import Threshold

OWN = Threshold(0.7, "manual")


@pytest.fixture
def bundle(toy_bundle, toy_model):
    """With a threshold of INT8's own beside the reference's."""
    opened = open_bundle(toy_bundle).commit(
        "calibrate-int8", {"model.int8.onnx": toy_model(offset=0.2)}, command="c", started=0.0
    )
    return opened.commit(
        "threshold-openvino-int8",
        {},
        command="slsg-edge calibrate x",
        started=time.monotonic(),
        inputs=("model.int8.onnx",),
        update=sets(thresholds={"openvino-int8": OWN}),
    )


def test_a_backend_has_its_own_beside_the_references(bundle):
    again = open_bundle(bundle.path)
    assert threshold_of(again).value == 0.5
    assert threshold_of(again, "openvino-int8") == OWN


def test_int8_needs_its_own_fp16_takes_it_where_it_is_there_and_fp32_has_none(bundle):
    def names(bundle):
        backends = ("onnxruntime-fp32", "tensorrt-fp16", "tensorrt-int8", "openvino-int8")
        return [judging_threshold_name(bundle, backend) for backend in backends]

    assert names(bundle) == [None, None, "tensorrt-int8", "openvino-int8"]
    thresholds = {**bundle.manifest.thresholds, "tensorrt-fp16": OWN}
    stored = replace(bundle, manifest=replace(bundle.manifest, thresholds=thresholds))
    assert names(stored) == [None, "tensorrt-fp16", "tensorrt-int8", "openvino-int8"]


def test_without_one_of_its_own_the_references_is_not_taken(bundle):
    with pytest.raises(BundleError, match="no threshold for tensorrt-int8") as caught:
        threshold_of(bundle, "tensorrt-int8")
    assert calibration_command(bundle, "tensorrt-int8") in caught.value.fix
    assert "--backend tensorrt-int8" in caught.value.fix


def test_no_images_are_asked_for_where_training_left_scores(bundle):
    command = f"slsg-edge calibrate {bundle.path}"
    assert calibration_command(bundle, None) == f"{command} --images DIR"
    empty = with_file(bundle, "good_scores.json", good_scores_file(GoodScores()))
    assert calibration_command(empty, None) == f"{command} --images DIR"
    scores = GoodScores((GoodScore("a", 0.1, "held-out"),))
    left = with_file(empty, "good_scores.json", good_scores_file(scores))
    assert calibration_command(left, None) == command
    assert calibration_command(left, "openvino-int8") == (
        f"{command} --backend openvino-int8 --images DIR"
    )


def test_it_goes_stale_with_its_own_file_alone(bundle, toy_model):
    again = bundle.commit(
        "calibrate-int8", {"model.int8.onnx": toy_model(offset=0.3)}, command="c", started=0.0
    )
    with pytest.raises(StaleBundle, match="'threshold-openvino-int8' is stale"):
        threshold_of(again, "openvino-int8")
    assert threshold_of(again).value == 0.5
