import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino
import pytest
from onnx import TensorProto, helper, numpy_helper

from slsg_edge.machine.host import multiplies_int8_exactly
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime import openvino as backend
from slsg_edge.runtime.onnxruntime import OnnxRuntimeDetector
from slsg_edge.runtime.openvino import OpenVinoDetector

SPEC = Preprocessing(32, 32)
WIDTH = 16


def quantised_model() -> bytes:
    """Two ReLU branches, one of them resized, joined and quantised before a convolution."""
    random = np.random.default_rng(0)
    constants: dict[str, np.ndarray] = {
        "w0": random.normal(0, 0.02, (WIDTH, 3, 3, 3)).astype(np.float32),
        "w1": random.normal(0, 0.1, (WIDTH, WIDTH, 1, 1)).astype(np.float32),
        "w2": random.integers(-127, 128, (WIDTH, 2 * WIDTH, 3, 3)).astype(np.int8),
        "w2_scale": np.full(WIDTH, 1e-4, np.float32),
        "w2_zero": np.zeros(WIDTH, np.int8),
        "w3": random.normal(0, 0.5, (1, WIDTH, 1, 1)).astype(np.float32),
        "scale": np.asarray(0.1, np.float32),
        "zero": np.asarray(0, np.int8),
        "twice": np.array([1, 1, 2, 2], np.float32),
        "channel": np.array([1]),
        "pixel": np.array([1, 2]),
    }
    padded: dict[str, Any] = {"pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Cast", ["frame"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels"], ["x"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["x", "w0"], ["c0"], **padded),
        helper.make_node("Relu", ["c0"], ["a"]),
        helper.make_node("Conv", ["a", "w1"], ["c1"], strides=[2, 2]),
        helper.make_node("Relu", ["c1"], ["half"]),
        helper.make_node("Resize", ["half", "", "twice"], ["b"], mode="linear"),
        helper.make_node("Concat", ["b", "a"], ["both"], axis=1),
        helper.make_node("QuantizeLinear", ["both", "scale", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["dq"]),
        helper.make_node("DequantizeLinear", ["w2", "w2_scale", "w2_zero"], ["w2_dq"], axis=0),
        helper.make_node("Conv", ["dq", "w2_dq"], ["c2"], **padded),
        helper.make_node("Conv", ["c2", "w3"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["map"]),
        helper.make_node("Squeeze", ["map", "channel"], ["anomaly_map"]),
        helper.make_node("ReduceMax", ["anomaly_map", "pixel"], ["image_score"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "quantised",
        [helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, 32, 32, 3])],
        [
            helper.make_tensor_value_info("anomaly_map", TensorProto.FLOAT, [1, 32, 32]),
            helper.make_tensor_value_info("image_score", TensorProto.FLOAT, [1]),
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opset = [helper.make_opsetid("", 20)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


@pytest.fixture
def quantised(tmp_path: Path) -> Path:
    path = tmp_path / "model.int8.onnx"
    path.write_bytes(quantised_model())
    return path


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), np.uint8)


def test_a_quantised_graph_gives_the_numbers_that_it_means(quantised, frames):
    with OnnxRuntimeDetector(quantised, SPEC) as reference:
        maps, scores = reference.run(frames)
    assert maps.std() > 0.05
    with OpenVinoDetector(quantised, SPEC, precision="int8") as detector:
        found, found_scores = detector.run(frames)
        assert detector.name.startswith("openvino cpu int8")
    # OpenVINO may round a tie the other way, but on few pixels and by one step
    assert np.abs(found - maps).mean() < 1e-4
    np.testing.assert_allclose(found_scores, scores, atol=5e-3)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other CPUs name their kernels anew")
@pytest.mark.skipif(not multiplies_int8_exactly(), reason="this CPU has no VNNI")
def test_a_quantised_convolution_runs_in_int8(quantised, frames):
    options = {**backend._options(1), "PERF_COUNT": True}
    graph = backend._read(quantised)
    request = openvino.Core().compile_model(graph, "CPU", options).create_infer_request()
    request.infer({0: frames[:1]})
    kinds = [
        node.exec_type for node in request.get_profiling_info() if node.node_type == "Convolution"
    ]
    assert sum(kind.endswith("I8") for kind in kinds) == 1, kinds


def test_where_int8_saturates_it_is_computed_in_fp32_and_the_name_says_so(
    quantised, frames, monkeypatch
):
    monkeypatch.setattr(backend, "multiplies_int8_exactly", lambda: False)
    assert backend._options(None)["LP_TRANSFORMS_MODE"] is False
    with OnnxRuntimeDetector(quantised, SPEC) as reference:
        maps, _ = reference.run(frames)
    with OpenVinoDetector(quantised, SPEC, precision="int8") as detector:
        assert detector.name == "openvino cpu int8, computed in FP32 since this CPU has no VNNI"
        np.testing.assert_allclose(detector.run(frames)[0], maps, atol=1e-4)


def test_what_may_be_negative_stays_signed(quantised):
    model = onnx.load(quantised)
    for node in model.graph.node:
        if node.op_type == "Concat":
            node.input[0] = "c0"  # no ReLU, so half of it is negative
    onnx.save(model, quantised)
    graph = backend._read(quantised)
    (node,) = [op for op in graph.get_ordered_ops() if op.get_type_name() == "FakeQuantize"]
    assert node.get_attributes()["levels"] == 256


def test_numbers_in_fp32_are_those_of_onnx_runtime(tmp_path, toy_model, frames):
    path = tmp_path / "model.onnx"
    path.write_bytes(toy_model(batch=1))
    with OnnxRuntimeDetector(path, SPEC) as reference, OpenVinoDetector(path, SPEC, 1) as detector:
        np.testing.assert_allclose(detector.run(frames)[0], reference.run(frames)[0], atol=1e-6)


def test_importing_it_tells_nobody_and_leaves_nothing_behind(tmp_path):
    code = (
        "import sys; import slsg_edge.runtime.openvino\n"
        "assert not [name for name in sys.modules if name.startswith('openvino_telemetry.')]\n"
    )
    home = {**os.environ, "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env=home)
    assert list(tmp_path.iterdir()) == []
