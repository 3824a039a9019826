import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.golden import Golden
from slsg_edge.errors import BundleError, StaleBundle
from slsg_edge.runtime.detector import BackendChoice, choose, open_choice
from slsg_edge.runtime.judged import open_judged, threshold_for
from slsg_edge.scoring import Threshold, judge

LEVELS = (40, 80, 200)
GREY = np.full((32, 32, 3), 120, np.uint8)


@pytest.fixture
def bundle(toy_bundle, toy_model):
    """With golden answers, and an INT8 model whose scores are 0.1 higher."""
    frames = np.stack([np.full((32, 32, 3), level, np.uint8) for level in LEVELS])
    maps = (frames.mean(-1) / 255).astype(np.float32)
    golden = Golden(frames, maps, maps.max((1, 2)))
    opened = open_bundle(toy_bundle).commit(
        "golden", {"golden.npz": golden.to_bytes()}, command="x", started=0.0
    )
    return opened.commit(
        "calibrate-int8", {"model.int8.onnx": toy_model(offset=0.1)}, command="x", started=0.0
    )


def with_own(bundle, value, backend="openvino-int8"):
    return bundle.commit(
        f"threshold-{backend}",
        {},
        command="c",
        started=time.monotonic(),
        inputs=("model.int8.onnx",),
        thresholds={backend: Threshold(value, "manual")},
    )


def test_moved_scores_are_judged_by_their_own_threshold(bundle):
    both = with_own(bundle, 0.6)
    verdicts = {}
    for backend in ("onnxruntime-fp32", "openvino-fp32", "openvino-int8"):
        with closing(open_judged(both, backend)) as judged:
            verdict = judge(judged.detector.detect(GREY), judged.threshold)
            verdicts[backend] = (verdict.outcome, verdict.threshold)
    assert verdicts == {
        "onnxruntime-fp32": ("good", 0.5),
        "openvino-fp32": ("good", 0.5),
        "openvino-int8": ("good", 0.6),
    }


def test_quantised_scores_are_never_judged_by_the_references_threshold(bundle):
    with pytest.raises(BundleError, match=r"no threshold for openvino-int8.*--images DIR"):
        open_judged(bundle, "openvino-int8")


def test_nor_by_one_of_an_older_quantised_model(bundle, toy_model):
    both = with_own(bundle, 0.6)
    other = {"model.int8.onnx": toy_model(offset=0.2)}
    again = both.commit("calibrate-int8", other, command="x", started=0.0)
    with pytest.raises(StaleBundle):
        open_judged(again, "openvino-int8")
    with closing(open_judged(again)) as judged:
        assert judged.choice.backend == "onnxruntime-fp32"
        assert "stale" in judged.choice.reason


def half(bundle, toy_model, offset):
    """A choice in FP16, and a detector whose scores are off by `offset`."""
    path = bundle.path / "model.onnx"
    changed = bundle.commit(
        "export", {"model.onnx": toy_model(offset=offset)}, command="x", started=0.0
    )
    changed = changed.commit(
        "calibrate", {}, command="c", started=0.0, inputs=("model.onnx",),
        threshold=Threshold(0.5, "manual"),
    )  # fmt: skip
    return changed, BackendChoice("tensorrt-fp16", "fp16", Path(path), "as asked")


def test_an_engine_shares_the_references_while_its_scores_did_not_move(bundle, toy_model):
    changed, choice = half(bundle, toy_model, 0.005)
    with closing(open_choice(changed, choose(changed, "onnxruntime"))) as detector:
        assert threshold_for(changed, choice, detector).value == 0.5


def test_an_engine_whose_scores_moved_asks_for_its_own(bundle, toy_model):
    changed, choice = half(bundle, toy_model, 0.02)
    with closing(open_choice(changed, choose(changed, "onnxruntime"))) as detector:
        with pytest.raises(BundleError, match=r"moved by 2\.0e-02.*--backend tensorrt-fp16"):
            threshold_for(changed, choice, detector)
        own = with_own(changed, 0.52, "tensorrt-fp16")
        assert threshold_for(own, choice, detector).value == 0.52


def test_an_engine_that_changes_a_verdict_asks_for_its_own(bundle, toy_model):
    changed, choice = half(bundle, toy_model, 0.005)
    near = changed.manifest.threshold
    near = replace(near, value=80 / 255 + 0.002)
    changed = replace(changed, manifest=replace(changed.manifest, threshold=near))
    with (
        closing(open_choice(changed, choose(changed, "onnxruntime"))) as detector,
        pytest.raises(BundleError, match="1 verdicts changed"),
    ):
        threshold_for(changed, choice, detector)
