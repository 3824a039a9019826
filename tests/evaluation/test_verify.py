import json
import shutil
import sys
import time
from dataclasses import replace

import numpy as np
import onnx
import pytest
import trained
import typer
from bundles import sets, with_file
from onnx import numpy_helper
from typer.testing import CliRunner

from slsg_edge.bundle.folder import Bundle, open_bundle
from slsg_edge.bundle.golden import Golden
from slsg_edge.cli.verify import verify
from slsg_edge.errors import (
    BundleError,
    ConfigError,
    MissingDependency,
    UntrustedBundle,
)
from slsg_edge.evaluation.verify import verify_bundle
from slsg_edge.runtime.detector import BACKENDS
from slsg_edge.scoring import Threshold

LEVELS = (40, 80, 140, 200)


def run(*arguments: object):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(verify)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def state_of(bundle: Bundle) -> dict[str, str]:
    return {check.subject: check.state for check in verify_bundle(bundle).checks}


def reasons_of(bundle: Bundle, subject: str) -> str:
    (found,) = (check for check in verify_bundle(bundle).checks if check.subject == subject)
    return "; ".join(found.reasons)


@pytest.fixture
def bundle(make_bundle, toy_model):
    """Golden answers of the toy model, which has no weights."""
    frames = np.stack([np.full((32, 32, 3), level, np.uint8) for level in LEVELS])
    maps = (frames.mean(-1) / 255).astype(np.float32)
    golden = Golden(frames, maps, maps.max((1, 2)))
    made = with_file(open_bundle(make_bundle(toy_model(), None)), "model.onnx", toy_model())
    return with_file(made, "golden.npz", golden.to_bytes())


def test_every_backend_that_is_here_gives_the_golden_answers(bundle):
    found = state_of(bundle)
    assert found["onnxruntime-fp32"] == found["openvino-fp32"] == "passed"
    assert found["torch"] == found["openvino-int8"] == found["model.fp16.onnx"] == "absent"
    assert "holds no model.int8.onnx yet" in reasons_of(bundle, "openvino-int8")
    assert verify_bundle(bundle).passed


@pytest.mark.parametrize("offset", [0.002, float("nan"), float("inf")])
def test_a_graph_with_a_wrong_constant_fails(bundle, toy_model, offset):
    wrong = with_file(bundle, "model.onnx", toy_model(offset=offset))
    assert state_of(wrong)["onnxruntime-fp32"] == "failed"
    said = "score 2.0e-03 > 1.0e-03" if np.isfinite(offset) else "not all finite"
    assert said in reasons_of(wrong, "onnxruntime-fp32")
    assert not verify_bundle(wrong).passed


def test_a_graph_that_breaks_the_contract_fails(bundle, toy_model):
    wrong = with_file(bundle, "model.onnx", toy_model(size=16))
    assert "where frame uint8" in reasons_of(wrong, "onnxruntime-fp32")


def test_a_bundle_may_have_tolerances_of_its_own(bundle, toy_model):
    table = json.loads((bundle.path / "manifest.json").read_bytes())
    table["tolerances"]["fp32"] |= {"map_mean": 0.1, "map_p999": 0.1, "score": 0.1}
    (bundle.path / "manifest.json").write_text(json.dumps(table))
    loose = with_file(open_bundle(bundle.path), "model.onnx", toy_model(offset=0.02))
    assert state_of(loose)["onnxruntime-fp32"] == "passed"


def test_quantised_scores_may_move_but_not_change_places_or_verdicts(bundle, toy_model):
    loose = {"int8": {"map_mean": 1.0, "map_p999": 1.0, "score": 1.0, "rank": 0.8}}
    table = json.loads((bundle.path / "manifest.json").read_bytes())
    table["tolerances"] |= loose
    (bundle.path / "manifest.json").write_text(json.dumps(table))
    moved = with_file(open_bundle(bundle.path), "model.int8.onnx", toy_model(offset=0.2))
    assert state_of(moved)["openvino-int8"] == "passed"
    assert "no threshold of its own yet, run: slsg-edge calibrate" in reasons_of(
        moved, "openvino-int8"
    )
    wrong = moved.commit(
        "threshold-openvino-int8",
        {},
        command="c",
        started=time.monotonic(),
        inputs=("model.int8.onnx",),
        update=sets(thresholds={"openvino-int8": Threshold(0.5, "manual")}),
    )
    assert "verdicts changed" in reasons_of(wrong, "openvino-int8")
    # a negative sign turns the order round
    turned = with_file(wrong, "model.int8.onnx", turned_model(toy_model))
    assert state_of(turned)["openvino-int8"] == "failed"


def turned_model(toy_model) -> bytes:
    """The lighter, the lower its score."""
    model = onnx.load_from_string(toy_model(offset=1.0))
    for constant in model.graph.initializer:
        if constant.name == "largest":
            constant.CopyFrom(numpy_helper.from_array(np.asarray(-255.0, np.float32), "largest"))
    return bytes(model.SerializeToString())


def test_a_stale_file_is_absent_and_says_what_to_run(bundle, toy_model):
    quantised = bundle.commit(
        "calibrate-int8",
        {"model.int8.onnx": toy_model()},
        command="slsg-edge calibrate x --int8",
        started=0.0,
        inputs=("model.onnx",),
    )
    again = with_file(quantised, "model.onnx", toy_model(offset=1e-5))
    assert state_of(again)["openvino-int8"] == "absent"
    assert "Run: slsg-edge calibrate x --int8" in reasons_of(again, "openvino-int8")


def test_a_damaged_file_is_an_error(bundle, toy_model):
    quantised = with_file(bundle, "model.int8.onnx", toy_model())
    (quantised.path / "model.int8.onnx").write_bytes(b"tampered")
    with pytest.raises(UntrustedBundle):
        verify_bundle(quantised)


def test_golden_frames_that_are_none_are_an_error(bundle):
    broken = with_file(bundle, "golden.npz", b"nothing")
    with pytest.raises(BundleError, match="holds no golden frames"):
        verify_bundle(broken)


def test_what_is_not_installed_is_absent_and_named(bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert "pip install 'slsg-edge[openvino]'" in reasons_of(bundle, "openvino-fp32")
    with pytest.raises(MissingDependency):
        verify_bundle(bundle, ["openvino-fp32"])
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependency, match="onnxruntime"):
        verify_bundle(bundle)


def test_some_may_be_named_and_are_needed_then(bundle):
    found = verify_bundle(bundle, ["openvino-fp32"])
    assert [check.subject for check in found.checks] == ["openvino-fp32"]
    with pytest.raises(ConfigError, match="Did you mean 'openvino-fp32'"):
        verify_bundle(bundle, ["openvino-fp23"])
    with pytest.raises(BundleError, match="holds no"):
        verify_bundle(bundle, ["openvino-int8"])


@pytest.mark.parametrize("names", ["", "onnxruntime-fp32,"])
def test_an_empty_name_is_not_taken_for_all_of_them(bundle, names):
    refused = run(bundle.path, "--backend", names).exception
    assert isinstance(refused, ConfigError)
    assert "Unknown thing to verify: ''" in str(refused)


def test_fp16_is_judged_by_a_threshold_of_its_own_where_the_bundle_has_one(
    bundle, toy_model, monkeypatch
):
    """The backend is ONNX Runtime under the name of one that runs FP16."""
    half = replace(BACKENDS["onnxruntime-fp32"], precision="fp16")
    monkeypatch.setitem(BACKENDS, "tensorrt-fp16", half)
    calibrated = bundle.commit(
        "calibrate",
        {},
        command="c",
        started=time.monotonic(),
        inputs=("model.onnx",),
        update=sets(threshold=Threshold(0.5, "manual")),
    )
    (shared,) = verify_bundle(calibrated, ["tensorrt-fp16"]).checks
    own = calibrated.commit(
        "threshold-tensorrt-fp16",
        {},
        command="c",
        started=time.monotonic(),
        inputs=("model.onnx",),
        update=sets(thresholds={"tensorrt-fp16": Threshold(0.7, "manual")}),
    )
    (judged,) = verify_bundle(own, ["tensorrt-fp16"]).checks
    assert (shared.threshold, judged.threshold) == (0.5, 0.7)


def test_the_command_shows_a_table_and_exits_with_1_on_a_failure(bundle, toy_model):
    result = run(bundle.path)
    assert result.exit_code == 0
    assert "onnxruntime-fp32" in result.stdout
    assert "4 golden frames" in result.stdout
    with_file(bundle, "model.onnx", toy_model(offset=0.1))
    failed = run(bundle.path)
    assert failed.exit_code == 1
    assert "onnxruntime-fp32: map mean 1.0e-01 > 1.0e-04" in failed.stdout
    shown = run(bundle.path, "--json")
    assert shown.exit_code == 1
    assert json.loads(shown.stdout)["passed"] is False


def test_the_command_gives_one_object_to_machines(bundle):
    shown = json.loads(run(bundle.path, "--backend", "onnxruntime-fp32", "--json").stdout)
    (check,) = shown["checks"]
    assert (shown["passed"], shown["frames"], check["state"]) == (True, 4, "passed")
    assert check["difference"]["score"] < 1e-6


def test_a_detector_that_chooses_no_neighbours_has_none_to_fix(bundle, toy_model):
    model = onnx.load_from_string(toy_model())
    for index, node in enumerate(model.graph.node):
        node.name = f"node{index}"
    plain = with_file(bundle, "model.onnx", model.SerializeToString())
    shown = run(plain.path, "--backend", "onnxruntime-fp32", "--frozen-neighbours")
    assert "no neighbours that are chosen" in shown.stdout


@pytest.mark.slow
@pytest.mark.parametrize("variant", trained.RUNS)
def test_a_trained_bundle_passes_in_every_precision(trained_bundle, tmp_path, variant):
    path = tmp_path / f"{variant}.slsg"
    shutil.copytree(trained_bundle(variant), path)
    found = verify_bundle(open_bundle(path))
    states = {check.subject: check.state for check in found.checks}
    for name in ("torch", "onnxruntime-fp32", "openvino-fp32", "model.fp16.onnx"):
        assert states[name] == "passed", found
    (torch,) = (check for check in found.checks if check.subject == "torch")
    assert torch.difference
    assert torch.difference.map_mean < 1e-6


@pytest.mark.slow
def test_frozen_neighbours_leave_the_arithmetic_alone(trained_bundle):
    result = run(trained_bundle("edge"), "--frozen-neighbours", "--json")
    (half,) = json.loads(result.stdout)["frozen_neighbours"]
    assert half["file"] == "model.fp16.onnx"
    assert 0.5 < half["agreement"] < 1
    assert half["frozen"]["map_mean"] > 0
