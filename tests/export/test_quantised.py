"""INT8 in the graph: symmetric, explicit, and close to what it replaces."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from slsg_edge.export.graph import graph_from_bytes
from slsg_edge.export.quantised import (
    convolutions_of,
    cost_of,
    groups_of,
    quantised_from_graph,
    weight_scale,
)

SIZE = 8


def _network():
    """Two convolutions around a residual Add, and a score head: frame to map and score."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(3, 3, 3, 3)).astype(np.float32)
    weights[1] = 0  # a dead filter
    out = rng.normal(size=(1, 3, 1, 1)).astype(np.float32)
    constants = {"w1": weights, "b1": rng.normal(size=3).astype(np.float32), "w2": out}
    make = helper.make_node
    nodes = [
        make("Cast", ["frame"], ["float"], "normalise/Cast", to=TensorProto.FLOAT),
        make("Transpose", ["float"], ["pixels"], "normalise/Transpose", perm=[0, 3, 1, 2]),
        make("Div", ["pixels", "full"], ["unit"], "normalise/Div"),
        make("Conv", ["unit", "w1", "b1"], ["c1"], "network.block.conv/Conv", pads=[1] * 4),
        make("Add", ["c1", "unit"], ["sum"], "network.block/Add"),
        make("Relu", ["sum"], ["relu"], "network.block/Relu"),
        make("Conv", ["relu", "w2"], ["logits"], "network.out/Conv"),
        make("Sigmoid", ["logits"], ["wide"], "graph/Sigmoid"),
        make("Squeeze", ["wide", "channel"], ["anomaly_map"], "graph/Squeeze"),
        make("ReduceMax", ["anomaly_map", "sides"], ["image_score"], "graph/Max", keepdims=0),
    ]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    tensors += [
        numpy_helper.from_array(np.float32(255), "full"),
        numpy_helper.from_array(np.array([1]), "channel"),
        numpy_helper.from_array(np.array([1, 2]), "sides"),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, SIZE, SIZE, 3])],
        [
            helper.make_tensor_value_info("anomaly_map", TensorProto.FLOAT, [1, SIZE, SIZE]),
            helper.make_tensor_value_info("image_score", TensorProto.FLOAT, [1]),
        ],
        tensors,
    )
    opsets = [helper.make_opsetid("", 20)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return graph_from_bytes(model.SerializeToString())


CLIPS = {"unit": 1.0, "relu": 8.0}
NAMES = ("network.block.conv/Conv", "network.out/Conv")


def _run(content):
    frame = np.random.default_rng(1).integers(0, 256, (1, SIZE, SIZE, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, {"frame": frame})


def test_what_the_user_keeps_in_fp32_is_no_candidate():
    kept = convolutions_of(_network(), ["network.block*"])
    assert [found.name for found in kept] == ["network.out/Conv"]


def test_int8_says_nearly_the_same():
    graph = _network()
    before, after = (
        _run(graph.model.SerializeToString()),
        _run(quantised_from_graph(graph, CLIPS, NAMES)),
    )
    assert 0 < np.abs(before[0] - after[0]).max() < 0.03


def test_without_names_the_graph_stays_what_it_was():
    graph = _network()
    same = _run(quantised_from_graph(graph, CLIPS, ()))
    assert np.array_equal(same[0], _run(graph.model.SerializeToString())[0])


def test_weights_are_stored_as_int8_with_a_scale_per_channel_and_zero_at_zero():
    quantised = graph_from_bytes(quantised_from_graph(_network(), CLIPS, NAMES))
    assert quantised.constants["w1_int8"].data_type == TensorProto.INT8
    assert quantised.array("w1_scale").shape == (3,)
    assert not quantised.array("w1_zero").any()
    assert not quantised.array("unit_zero").any()
    assert "w1" not in quantised.constants


def test_biases_stay_float():
    quantised = graph_from_bytes(quantised_from_graph(_network(), CLIPS, NAMES))
    assert quantised.constants["b1"].data_type == TensorProto.FLOAT
    assert not any(c.data_type == TensorProto.INT32 for c in quantised.constants.values())


def test_the_residual_reads_the_same_rounded_tensor_as_the_convolution():
    quantised = graph_from_bytes(quantised_from_graph(_network(), CLIPS, NAMES))
    nodes = {node.name: node for node in quantised.nodes}
    assert nodes["network.block/Add"].input[1] == nodes["network.block.conv/Conv"].input[0]


def test_nodes_keep_their_names():
    quantised = graph_from_bytes(quantised_from_graph(_network(), CLIPS, NAMES))
    assert {node.name for node in _network().nodes} <= {node.name for node in quantised.nodes}


def test_scales_are_what_fp16_can_hold_dead_filters_too():
    weights = np.random.default_rng(0).normal(size=(5, 3, 1, 1)).astype(np.float32)
    weights[0] = 0
    weights[1] *= 1e-9
    scale = weight_scale(weights)
    assert np.array_equal(scale, scale.astype(np.float16))
    assert scale.min() == np.finfo(np.float16).tiny


def test_a_channels_scale_has_less_error_than_its_largest_weight_gives():
    weights = np.random.default_rng(0).standard_t(3, (4, 64, 3, 3)).astype(np.float32)

    def error(scale):
        steps = np.clip(np.round(weights / scale[:, None, None, None]), -127, 127)
        return ((steps * scale[:, None, None, None] - weights) ** 2).sum()

    assert error(weight_scale(weights)) < error(np.abs(weights).max(axis=(1, 2, 3)) / 127)


def test_groups_follow_the_modules_and_cover_every_convolution():
    convolutions = convolutions_of(_network())
    groups = groups_of(convolutions)
    assert [name for members in groups.values() for name in members] == list(convolutions)
    assert set(groups) == {"network.block.conv", "network.out"}


def test_a_convolutions_cost_is_its_multiply_adds():
    first, second = convolutions_of(_network())
    assert (first.cost, second.cost) == (27 * 3 * SIZE**2, 3 * SIZE**2)
    assert cost_of((first, second)) == first.cost + second.cost


@pytest.mark.parametrize("variant", ["edge", "paper"])
@pytest.mark.slow
def test_every_group_of_a_real_network_has_a_modules_path(trained_bundle, variant):
    content = (trained_bundle(variant) / "model.onnx").read_bytes()
    groups = groups_of(convolutions_of(graph_from_bytes(content)))
    assert 6 <= len(groups) <= 20
    assert all(path.startswith("network.") for path in groups)
