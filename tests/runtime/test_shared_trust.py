"""A detector for several cameras is trusted as little as one for a single camera."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, replace

import numpy as np
import pytest
from bundles import with_file, with_threshold

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.tolerances import Tolerance
from slsg_edge.errors import BundleError, UntrustedBundle
from slsg_edge.images import look_of, usual_frames
from slsg_edge.runtime import judged, sharing
from slsg_edge.runtime.batching import SharingOptions
from slsg_edge.runtime.detector import choose, open_choice
from slsg_edge.runtime.frame_check import FaultyFrame
from slsg_edge.runtime.judged import Judged, open_judged
from slsg_edge.runtime.onnxruntime import OnnxRuntimeDetector
from slsg_edge.runtime.sharing import open_shared, share_choice
from slsg_edge.scoring import Threshold

HALF = Threshold(0.5, "manual")
RNG = np.random.default_rng(0)
PRODUCT = np.clip(RNG.normal(100, 12, (60, 80, 3)), 0, 255).astype(np.uint8)
FAULTY = {
    "no_picture": np.zeros((60, 80, 3), np.uint8),
    "frame_size": np.clip(RNG.normal(100, 12, (80, 80, 3)), 0, 255).astype(np.uint8),
}


@pytest.fixture
def bundle(toy_bundle):
    """That knows what its good images look like."""
    manifest = json.loads((toy_bundle / "manifest.json").read_bytes())
    manifest["usual"] = asdict(usual_frames([look_of(PRODUCT)] * 3))
    (toy_bundle / "manifest.json").write_text(json.dumps(manifest))
    return open_bundle(toy_bundle)


@pytest.mark.parametrize("backend", ["onnxruntime-fp32", "openvino-fp32"])
def test_another_model_with_its_right_sha256_is_not_shared(bundle, toy_model, backend):
    other = with_threshold(with_file(bundle, "model.onnx", toy_model(offset=-0.1)), HALF)
    with pytest.raises(UntrustedBundle, match=r"golden frames .*map mean 1\.0e-01.*Copy"):
        open_shared(other, 2, backend)


def test_a_model_without_golden_frames_is_not_shared(bundle):
    model = (bundle.path / "model.onnx").read_bytes()
    bare = bundle.commit("export", {"model.onnx": model}, command="c", started=time.monotonic())
    with pytest.raises(BundleError, match=r"holds no golden\.npz"):
        open_shared(bare, 2)


def test_scores_can_be_shared_before_there_is_a_threshold(bundle):
    manifest = replace(bundle.manifest, threshold=None)
    bare = replace(bundle, manifest=manifest)
    with open_shared(bare, 2) as shared:
        assert 0 < shared.detect(PRODUCT).image_score < 1
    with pytest.raises(BundleError, match="no threshold yet"):
        open_judged(bare, cameras=2)


@pytest.mark.parametrize("reason", FAULTY)
def test_a_frame_that_may_not_be_inspected_is_refused_and_the_next_one_is_not(bundle, reason):
    with open_shared(bundle, 2) as shared:
        with pytest.raises(FaultyFrame, match="was not inspected") as refused:
            shared.detect(FAULTY[reason])
        assert refused.value.fault.reason == reason
        assert shared.detect(PRODUCT).image_score > 0
        # who judges the answers without a check of his own gets the reason all the same
        verdict = Judged(shared, HALF).inspect(FAULTY[reason])
        assert (verdict.outcome, verdict.reason) == ("undecided", reason)


def test_frames_of_any_size_can_be_asked_for(bundle):
    with open_shared(bundle, 2, any_size=True) as shared:
        assert shared.detect(FAULTY["frame_size"]).image_score > 0
        with pytest.raises(FaultyFrame):
            shared.detect(FAULTY["no_picture"])


def test_a_chosen_backend_is_shared_with_the_same_checks(bundle):
    choice = choose(bundle, "onnxruntime")
    with (
        share_choice(bundle, choice, SharingOptions(2)) as shared,
        pytest.raises(FaultyFrame),
    ):
        shared.detect(FAULTY["no_picture"])


def test_several_cameras_are_judged_by_one_detector(bundle):
    frames = [PRODUCT, FAULTY["no_picture"], np.full_like(PRODUCT, 90), PRODUCT[:, ::-1]]
    with open_judged(bundle, cameras=4, any_size=True) as station, ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(station.inspect, frames))
    assert [verdict.reason for verdict in verdicts] == [None, "no_picture", "no_picture", None]
    with open_judged(bundle) as alone:
        assert verdicts[0] == alone.inspect(PRODUCT)


def test_scores_that_moved_are_not_judged_for_several_cameras_either(
    bundle, toy_model, monkeypatch
):
    moved = with_file(bundle, "model.onnx", toy_model(offset=0.02))
    wide = {"onnxruntime-fp16": Tolerance(map_mean=0.1, map_p999=0.1, score=0.1, rank=0.0)}
    moved = with_threshold(moved, HALF)
    moved = replace(moved, manifest=replace(moved.manifest, tolerances=wide))
    choice = replace(choose(moved, "onnxruntime"), backend="onnxruntime-fp16", precision="fp16")

    def opening(*_):
        return OnnxRuntimeDetector(choice.model, moved.manifest.preprocessing, 1)

    monkeypatch.setattr(sharing, "open_choice", opening)
    with pytest.raises(BundleError, match=r"moved by 2\.0e-02.*--backend onnxruntime-fp16"):
        share_choice(moved, choice, SharingOptions(2), judging=HALF)
    share_choice(moved, choice, SharingOptions(2)).close()  # its scores alone may be shared


class Counting:
    """A detector that counts how often it runs the golden frames."""

    def __init__(self, detector):
        self._detector, self.name, self.runs = detector, detector.name, 0

    def run(self, prepared):
        self.runs += 1
        return self._detector.run(prepared)

    def detect(self, frame):
        return self._detector.detect(frame)

    def close(self):
        self._detector.close()


def test_an_engine_in_fp16_runs_the_golden_frames_once(bundle, monkeypatch):
    choice = choose(bundle, "onnxruntime")
    counting = Counting(open_choice(bundle, choice))
    half = replace(choice, backend="onnxruntime-fp16", precision="fp16")
    monkeypatch.setattr(judged, "choose", lambda *_: half)
    monkeypatch.setattr(judged, "open_choice", lambda *_: counting)
    with closing(open_judged(bundle)) as station:
        assert station.threshold.value == 0.5
    assert counting.runs == 1
