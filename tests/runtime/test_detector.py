import sys
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from bundles import sets

from slsg_edge.bundle.folder import Manifest, new_bundle, open_bundle
from slsg_edge.errors import (
    BundleError,
    ConfigError,
    MissingDependency,
    StaleBundle,
    UntrustedBundle,
)
from slsg_edge.preprocessing import Preprocessing, Roi
from slsg_edge.runtime import detector as module
from slsg_edge.runtime.detector import BACKENDS, REFERENCE_BACKEND, choose, open_choice
from slsg_edge.scoring import Threshold


def test_the_bundle_says_how_frames_are_prepared(toy_bundle):
    bundle = open_bundle(toy_bundle)
    spec = replace(bundle.manifest.preprocessing, roi=Roi(0, 0, 8, 8))
    bundle = replace(bundle, manifest=replace(bundle.manifest, preprocessing=spec))
    frame = np.full((16, 16, 3), 255, np.uint8)
    frame[:8, :8] = 0
    with closing(open_choice(bundle, choose(bundle))) as detector:
        assert detector.name == "onnxruntime cpu fp32"
        assert detector.detect(frame).image_score == 0


def test_an_unknown_backend_is_named_with_the_known_ones(toy_bundle):
    with pytest.raises(ConfigError, match=r"'onnxruntme'.*Did you mean 'onnxruntime'"):
        choose(open_bundle(toy_bundle), "onnxruntme")


def test_a_bundle_without_a_model_says_what_to_run(tmp_path):
    bundle = new_bundle(tmp_path / "x.slsg", Manifest("toy", {}, Preprocessing()))
    with pytest.raises(BundleError, match="Run: slsg-edge export"):
        choose(bundle)


def test_a_changed_model_is_never_loaded(toy_bundle, toy_model):
    (toy_bundle / "model.onnx").write_bytes(toy_model(offset=-0.1))
    with pytest.raises(UntrustedBundle):
        choose(open_bundle(toy_bundle))


@pytest.fixture
def quantised(toy_bundle, toy_model):
    """A bundle with a model of INT8 and a threshold for it."""
    bundle = open_bundle(toy_bundle).commit(
        "calibrate-int8",
        {"model.int8.onnx": toy_model(offset=0.1)},
        command="slsg-edge calibrate x --int8",
        started=0.0,
        inputs=("model.onnx",),
    )
    return bundle.commit(
        "threshold-openvino-int8",
        {},
        command="slsg-edge calibrate x --backend openvino-int8",
        started=0.0,
        inputs=("model.int8.onnx",),
        update=sets(thresholds={"openvino-int8": Threshold(0.6, "manual")}),
    )


def test_int8_on_openvino_comes_before_fp32(quantised):
    choice = choose(quantised)
    assert (choice.backend, choice.precision) == ("openvino-int8", "int8")
    assert str(choice) == "backend openvino-int8: the best that is ready here"
    with closing(open_choice(quantised, choice)) as detector:
        assert detector.name.startswith("openvino cpu int8")


def test_what_is_asked_for_is_taken(quantised):
    assert choose(quantised, "onnxruntime-fp32").reason == "as asked"
    assert choose(quantised, "openvino-fp32").precision == "fp32"
    assert choose(quantised, "openvino").backend == "openvino-int8"
    assert choose(quantised, "onnxruntime").backend == "onnxruntime-fp32"
    assert choose(quantised, precision="fp32").backend == "onnxruntime-fp32"


def test_a_bundle_without_int8_runs_in_fp32_without_ado(toy_bundle):
    assert str(choose(open_bundle(toy_bundle))) == (
        "backend onnxruntime-fp32: the best that is ready here"
    )


def test_without_a_threshold_of_its_own_int8_is_passed_over_and_said(quantised):
    bare = replace(quantised, manifest=replace(quantised.manifest, thresholds={}))
    choice = choose(bare)
    assert choice.backend == "onnxruntime-fp32"
    assert "not openvino-int8" in choice.reason
    assert "--backend openvino-int8 --images DIR" in choice.reason
    assert choose(bare, "openvino").backend == "openvino-fp32"
    assert choose(bare, "openvino-int8").backend == "openvino-int8"


def test_without_openvino_int8_is_passed_over_and_said(quantised, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    choice = choose(quantised)
    assert choice.backend == "onnxruntime-fp32"
    assert "pip install 'slsg-edge[openvino]'" in choice.reason
    with pytest.raises(MissingDependency, match="slsg-edge\\[openvino\\]"):
        choose(quantised, "openvino-int8")


def test_with_openvino_alone_it_runs_all(quantised, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    bare = replace(quantised, manifest=replace(quantised.manifest, thresholds={}))
    assert choose(quantised).backend == "openvino-int8"
    assert choose(bare).backend == "openvino-fp32"


def test_with_neither_the_smaller_one_is_to_be_installed(toy_bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependency, match="slsg-edge\\[cpu\\]"):
        choose(open_bundle(toy_bundle))


def test_a_stale_int8_model_is_passed_over_and_said(quantised, toy_model):
    model = {"model.onnx": toy_model(offset=0.05)}
    again = quantised.commit("export", model, command="slsg-edge export x", started=0.0)
    assert choose(again).backend == "onnxruntime-fp32"
    assert "'calibrate-int8' is stale" in choose(again).reason
    with pytest.raises(StaleBundle):
        choose(again, "openvino-int8")


def test_a_lost_int8_model_is_passed_over_and_said(quantised):
    (quantised.path / "model.int8.onnx").unlink()
    assert "cannot be read" in choose(quantised).reason


def test_a_damaged_int8_model_is_an_error_and_no_reason_to_take_another(quantised):
    (quantised.path / "model.int8.onnx").write_bytes(b"tampered")
    with pytest.raises(UntrustedBundle):
        choose(quantised)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_an_engine_that_does_not_run_here_is_passed_over_and_said(
    toy_bundle, monkeypatch, precision
):
    monkeypatch.setitem(sys.modules, "pycuda", None)
    name = f"engines/current-{precision}"
    bundle = open_bundle(toy_bundle).commit(
        f"build-engine:current-{precision}",
        {f"{name}.engine": b"program", f"{name}.json": b"{}"},
        command="slsg-edge build-engine x",
        started=0.0,
    )
    choice = choose(bundle)
    assert choice.backend == "onnxruntime-fp32"
    assert f"not tensorrt-{precision}: pycuda is not installed." in choice.reason
    with pytest.raises(MissingDependency, match="slsg-edge\\[cuda\\]"):
        choose(bundle, "tensorrt")


def test_a_bundle_without_an_engine_says_how_to_build_one(toy_bundle):
    with pytest.raises(BundleError, match=r"build-engine .* --precision fp16"):
        choose(open_bundle(toy_bundle), "tensorrt")


@pytest.mark.parametrize(
    ("library", "precision", "known"),
    [("onnxruntime", "int8", "onnxruntime-fp32"), ("openvino", "fp16", "openvino-int8, ")],
)
def test_a_precision_that_a_library_does_not_run_is_refused_with_those_it_does(
    toy_bundle, library, precision, known
):
    with pytest.raises(ConfigError, match=f"{library} runs no {precision} here.*{known}"):
        choose(open_bundle(toy_bundle), library, precision)


def test_a_model_that_nobody_holds_but_that_is_there_is_taken(toy_bundle, monkeypatch):
    """As when an export ends between the two questions."""
    bundle = open_bundle(toy_bundle)
    nowhere = {
        key: replace(backend, held=lambda bundle: False) for key, backend in BACKENDS.items()
    }
    monkeypatch.setattr(module, "BACKENDS", nowhere)
    assert choose(bundle).backend == REFERENCE_BACKEND


def test_of_several_faults_that_of_the_best_backend_is_told(quantised, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    bare = replace(quantised, manifest=replace(quantised.manifest, thresholds={}))
    (bare.path / "model.int8.onnx").unlink()
    with pytest.raises(BundleError, match=r"model\.int8\.onnx"):
        choose(bare, "openvino")


def test_onnx_runtime_is_never_given_a_file_that_it_runs_slower():
    precisions = {name: backend.precision for name, backend in BACKENDS.items()}
    assert {precisions[name] for name in precisions if name.startswith("onnxruntime")} == {"fp32"}
