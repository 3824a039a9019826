import json
import time
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from bundles import sets, with_file

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.tolerances import Tolerance
from slsg_edge.contracts import Prediction
from slsg_edge.errors import BundleError, CudaError, StaleBundle
from slsg_edge.runtime.detector import BackendChoice, choose, open_choice
from slsg_edge.runtime.fake_detector import FakeDetector
from slsg_edge.runtime.judged import Judged, open_judged, threshold_for
from slsg_edge.scoring import Threshold

LEVELS = (40, 80, 200)
GREY = np.full((32, 32, 3), 120, np.uint8)
HALF = Threshold(0.5, "manual", good_scores=(0.1, 0.2, 0.3))


def judged_by_half(*arguments, **options):
    return Judged(FakeDetector(*arguments, **options), HALF)


def test_a_detector_made_by_hand_is_judged_by_a_threshold():
    examined = judged_by_half(0.9).examine(GREY)
    assert (examined.verdict.outcome, examined.verdict.score) == ("anomalous", 0.9)
    assert examined.verdict.p_value == pytest.approx(1 / 4)
    assert examined.prediction.anomaly_map.max() == np.float32(0.9)
    assert set(examined.latency_ms) == {"detect", "judge"}
    assert min(examined.latency_ms.values()) >= 0
    assert judged_by_half(0.1).inspect(GREY).outcome == "good"


@pytest.mark.parametrize(
    ("score", "level", "shape", "reason"),
    [
        (float("nan"), 0.0, (4, 4), "gave the score nan"),
        (float("inf"), 0.0, (4, 4), "gave the score inf"),
        (1.5, 0.0, (4, 4), "gave the score 1.5"),
        (-0.1, 0.0, (4, 4), "gave the score -0.1"),
        (0.1, float("nan"), (4, 4), "gave a map with NaN or infinity"),
        (0.1, float("-inf"), (4, 4), "gave a map with NaN or infinity"),
        (0.1, 0.0, (4, 5), "gave a map (4, 5)"),
        (0.1, 0.0, (1, 4, 4), "gave a map (1, 4, 4)"),
    ],
)
def test_what_is_no_prediction_is_no_verdict(score, level, shape, reason):
    detector = FakeDetector(score, np.full(shape, level, np.float32))
    examined = Judged(detector, HALF, map_shape=(4, 4)).examine(GREY)
    assert examined.verdict.outcome == "undecided"
    assert examined.verdict.detail == f"the detector {reason}"
    assert examined.verdict.score is None
    assert examined.prediction is None


@pytest.mark.parametrize("shape", [(0, 0), (4,), (1, 4, 4)])
def test_a_map_of_nothing_is_no_verdict_where_any_shape_will_do(shape):
    verdict = judged_by_half(0.1, np.zeros(shape, np.float32)).inspect(GREY)
    assert verdict.outcome == "undecided"


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((8, 8), np.uint8), "(8, 8) uint8"),
        (np.zeros((8, 8, 2), np.uint8), "(8, 8, 2)"),
        (np.zeros((0, 8, 3), np.uint8), "(0, 8, 3)"),
        (np.zeros((8, 8, 3)), "float64"),
        ("parts/a.png", "is a str"),
        (None, "is a NoneType"),
    ],
)
def test_what_is_no_picture_never_reaches_the_detector(image, said):
    judged = judged_by_half(0.1)
    verdict = judged.inspect(image)
    assert verdict.outcome == "undecided"
    assert said in verdict.detail
    assert judged.detector.calls == 0


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("device lost"), "the detector failed: RuntimeError: device lost"),
        (MemoryError(), "the detector failed: MemoryError: "),
        (CudaError("The GPU is gone.", fix="x"), "The GPU is gone."),
        (Unprintable(), "the detector failed: Unprintable: no text"),
    ],
)
def test_whatever_a_detector_raises_is_a_reason(error, reason):
    verdict = judged_by_half(error).inspect(GREY)
    assert verdict.outcome == "undecided"
    assert verdict.detail == reason.strip()


def test_a_reason_is_one_line_of_a_record():
    reason = judged_by_half(RuntimeError("lost\n" + "x" * 1000)).inspect(GREY).detail
    assert reason.startswith("the detector failed: RuntimeError: lost x")
    assert len(reason) == 300


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_passes(error):
    with pytest.raises(error):
        judged_by_half(error()).inspect(GREY)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        (0.1, np.zeros((4, 4))),
        Prediction(np.zeros((4, 4)), "0.1"),  # type: ignore[arg-type]
        Prediction(np.zeros((4, 4)), np.array([0.1, 0.2])),  # type: ignore[arg-type]
        Prediction([[0.0]], 0.1),  # type: ignore[arg-type]
        Prediction(np.full((4, 4), None), 0.1),
    ],
)
def test_an_answer_of_another_kind_is_no_verdict(answer):
    detector = FakeDetector()
    detector.detect = lambda frame: answer
    examined = Judged(detector, HALF).examine(GREY)
    assert examined.verdict.outcome == "undecided"
    assert examined.verdict.detail.startswith("the detector's answer cannot be judged: ")
    assert examined.prediction is None


def test_a_score_of_numpy_becomes_a_number_that_json_can_hold():
    verdict = judged_by_half(np.float32(0.25)).inspect(GREY)
    assert json.loads(json.dumps(asdict(verdict)))["score"] == 0.25


def test_a_bundles_maps_must_have_the_models_resolution(toy_bundle):
    with closing(open_judged(open_bundle(toy_bundle))) as judged:
        assert judged.map_shape == (32, 32)
        odd = replace(judged, detector=FakeDetector(0.1, map_shape=(16, 16)))
        assert judged.inspect(GREY).outcome == "good"
        assert odd.inspect(GREY).outcome == "undecided"


def test_closing_closes_the_detector():
    judged = judged_by_half()
    judged.close()
    assert judged.detector.closed


@pytest.fixture
def bundle(toy_bundle, toy_model):
    """With an INT8 model whose scores are 0.1 higher."""
    return with_file(open_bundle(toy_bundle), "model.int8.onnx", toy_model(offset=0.1))


def with_own(bundle, value, backend="openvino-int8"):
    """Its maps are further off than those of a true INT8 model, which is said to be right here."""
    wide = Tolerance(map_mean=0.2, map_p999=0.2, score=0.2, rank=0.0)
    return bundle.commit(
        f"threshold-{backend}",
        {},
        command="c",
        started=time.monotonic(),
        inputs=("model.int8.onnx",),
        update=sets(
            thresholds={backend: Threshold(value, "manual")},
            tolerances={**bundle.manifest.tolerances, backend: wide},
        ),
    )


def test_moved_scores_are_judged_by_their_own_threshold(bundle):
    both = with_own(bundle, 0.6)
    verdicts = {}
    for backend in ("onnxruntime-fp32", "openvino-fp32", "openvino-int8"):
        with closing(open_judged(both, backend)) as judged:
            verdict = judged.inspect(GREY)
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
    changed = with_file(bundle, "model.onnx", toy_model(offset=offset))
    changed = changed.commit(
        "calibrate", {}, command="c", started=0.0, inputs=("model.onnx",),
        update=sets(threshold=Threshold(0.5, "manual")),
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
