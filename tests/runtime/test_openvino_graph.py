"""What is changed in a graph for OpenVINO leaves its numbers as they are."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from slsg_edge.runtime.openvino_graph import (
    guard_concats,
    interpolation_matrix,
    spread_upscaling,
)

CHANNELS, SIDE = 32, 8
make = helper.make_node


def _model(nodes, inputs, output, constants):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "part",
        [value(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [value("y", TensorProto.FLOAT, output)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 20)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return model.SerializeToString()


def _quantised_concat(activation, floats):
    """Two branches, joined, quantised and convolved, as the steps of a decoder are."""
    weights = np.random.default_rng(0).integers(-127, 128, (8, 2 * CHANNELS, 3, 3), np.int8)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(floats))
    nodes = [
        make("Cast", ["a"], ["a_cast"], to=kind),
        make("Cast", ["b"], ["b_cast"], to=kind),
        make(activation, ["a_cast"], ["first"]),
        make(activation, ["b_cast"], ["second"]),
        make("Concat", ["first", "second"], ["joined"], axis=1),
        make("QuantizeLinear", ["joined", "step", "zero"], ["int8"]),
        make("DequantizeLinear", ["int8", "step", "zero"], ["rounded"]),
        make("DequantizeLinear", ["w", "steps", "zeros"], ["weights"], axis=0),
        make("Conv", ["rounded", "weights"], ["sums"], pads=[1] * 4),
        make("Cast", ["sums"], ["y"], to=TensorProto.FLOAT),
    ]
    constants = {
        "step": floats(0.02),
        "zero": np.int8(0),
        "w": weights,
        "steps": np.full(8, 1e-3, floats),
        "zeros": np.zeros(8, np.int8),
    }
    shape = [1, CHANNELS, SIDE, SIDE]
    return _model(nodes, {"a": shape, "b": shape}, [1, 8, SIDE, SIDE], constants)


def _upscaling(channels, mode):
    node = make(
        "Resize", ["x", "", "by"], ["y"], mode="linear", coordinate_transformation_mode=mode
    )
    sizes = [1, channels, 5, 7], [1, channels, 20, 14]
    return _model([node], {"x": sizes[0]}, sizes[1], {"by": np.array([1, 1, 4, 2], np.float32)})


def _openvino(content, feeds, *changes):
    from openvino import Core

    # keeps openvino quiet, too
    from slsg_edge.runtime.openvino import _options, multiplies_int8_exactly, widen_to_fp32

    core = Core()
    graph = core.read_model(content)
    for change in changes:
        change(graph)
    kinds = [node.get_type_name() for node in graph.get_ordered_ops()]
    if not multiplies_int8_exactly():
        widen_to_fp32(graph)
    compiled = core.compile_model(graph, "CPU", _options(None))
    return compiled(feeds)[0], kinds


def _onnxruntime(content, feeds):
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)[0]


@pytest.mark.parametrize("floats", [np.float32, np.float16])
@pytest.mark.parametrize("activation", ["Relu", "Tanh"])
def test_a_quantised_concat_gives_what_onnx_runtime_gives(activation, floats):
    """Fails without the clamp with OpenVINO 2026.4, for signed and unsigned values."""
    content = _quantised_concat(activation, floats)
    rng = np.random.default_rng(1)
    shape = (1, CHANNELS, SIDE, SIDE)
    feeds = {name: rng.normal(size=shape).astype(np.float32) for name in "ab"}
    expected = _onnxruntime(content, feeds)
    found, _ = _openvino(content, feeds, guard_concats)
    assert np.abs(found - expected).max() < 5e-3 * np.abs(expected).max()


@pytest.mark.parametrize("mode", ["half_pixel", "align_corners"])
@pytest.mark.parametrize("channels", [1, 2])
def test_upscaling_a_map_by_products_is_the_same_upscaling(mode, channels):
    content = _upscaling(channels, mode)
    feeds = {"x": np.random.default_rng(0).normal(size=(1, channels, 5, 7)).astype(np.float32)}
    found, kinds = _openvino(content, feeds, spread_upscaling)
    assert "Interpolate" not in kinds
    assert np.allclose(found, _onnxruntime(content, feeds), atol=1e-6)


def test_upscaling_of_many_channels_stays_as_it_is():
    content = _upscaling(16, "half_pixel")
    feeds = {"x": np.zeros((1, 16, 5, 7), np.float32)}
    assert "Interpolate" in _openvino(content, feeds, spread_upscaling)[1]


@pytest.mark.parametrize("corners", [True, False])
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 4), (5, 5), (7, 30)])
def test_the_weights_of_a_sample_add_up_to_one(corners, inputs, outputs):
    matrix = interpolation_matrix(inputs, outputs, corners)
    assert matrix.shape == (outputs, inputs)
    assert np.allclose(matrix.sum(axis=1), 1)
    assert (matrix >= 0).all()
