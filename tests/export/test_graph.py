import numpy as np
import onnx
import pytest
from graphs import graph_bytes, weights
from onnx import NodeProto, TensorProto, numpy_helper

from slsg_edge.errors import ExportError
from slsg_edge.export.graph import (
    PrecisionRules,
    graph_from_bytes,
    module_of,
    rebuilt,
    with_outputs,
    write_rules,
)

BODY = """
    features = Conv(pixels, w)
    kept = Relu(features)
    logits = Add(kept, one)
"""
CONSTANTS = {"w": weights(4, 3, 1, 1), "one": np.float32(1), "unread": np.float32(2)}


@pytest.fixture
def graph():
    return graph_from_bytes(graph_bytes(BODY, **CONSTANTS))


def test_types_and_shapes_of_every_tensor_are_known(graph):
    assert graph.shapes["features"] == (1, 4, 8, 8)
    assert graph.types["frame"] == TensorProto.UINT8
    assert graph.is_float("w")
    assert not graph.is_float("channel")
    assert graph.activations()[-2:] == ("anomaly_map", "image_score")


def test_makers_and_readers_are_known(graph):
    assert graph.producer["kept"].name == "kept/Relu"
    assert [node.name for node in graph.readers["features"]] == ["kept/Relu"]
    assert graph.float_inputs(graph.producer["logits"]) == ("kept",)  # 1 is a constant


def test_constants_that_are_nodes_are_constants_all_the_same():
    body = "two = Constant<value_float: float = 2.0>()\n logits = Mul(pixels, two)"
    graph = graph_from_bytes(graph_bytes(body))
    assert graph.array("two") == 2
    assert "two" not in graph.producer


def test_the_module_is_what_stands_before_the_slash():
    assert module_of("network.steps.0.merge.1/Conv") == "network.steps.0.merge.1"


def test_inner_tensors_can_be_asked_for(graph):
    probe = onnx.load_from_string(with_outputs(graph, ["kept", "anomaly_map", "kept"]))
    names = [output.name for output in probe.graph.output]
    assert names == ["anomaly_map", "image_score", "kept"]
    onnx.checker.check_model(probe, full_check=True)


def test_a_rebuilt_graph_holds_the_constants_that_are_read(graph):
    other = numpy_helper.from_array(np.float32(5), "one")
    new = graph_from_bytes(rebuilt(graph, graph.nodes, [other]))
    assert new.array("one") == 5
    assert "unread" not in new.constants
    assert graph.array("one") == 1


def test_a_rebuilt_graph_keeps_what_the_network_says_of_its_precision(graph):
    rules = PrecisionRules(("features/*",), ("kept/*",))
    write_rules(graph.model, rules)
    assert graph_from_bytes(rebuilt(graph, graph.nodes)).rules == rules


def test_a_rebuilt_graph_that_is_invalid_is_refused(graph):
    with pytest.raises(ExportError, match="invalid"):
        rebuilt(graph, reversed(graph.nodes))


def test_what_is_no_onnx_file_is_refused():
    with pytest.raises(ExportError, match=r"here\.onnx is no ONNX file"):
        graph_from_bytes(b"\xff" * 40, "here.onnx")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("frame", "image", "takes image uint8"), ("image_score", "score", "gives anomaly_map float")],
)
def test_ends_that_are_not_the_contracts_are_refused(old, new, message):
    model = onnx.load_from_string(graph_bytes(BODY, **CONSTANTS))
    for value in (*model.graph.input, *model.graph.output):
        value.name = new if value.name == old else value.name
    for node in model.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    with pytest.raises(ExportError, match=message):
        graph_from_bytes(model.SerializeToString())


def test_nodes_without_names_of_their_own_are_refused():
    model = onnx.load_from_string(graph_bytes(BODY, **CONSTANTS))
    model.graph.node[0].name = model.graph.node[1].name
    with pytest.raises(ExportError, match="without a name"):
        graph_from_bytes(model.SerializeToString())


def test_a_node_that_no_pass_can_see_through_is_refused():
    model = onnx.load_from_string(graph_bytes(BODY, **CONSTANTS))
    model.opset_import.append(onnx.helper.make_opsetid("vendor", 1))
    strange = NodeProto(name="x/Strange", op_type="Strange", domain="vendor", output=["x"])
    model.graph.node.append(strange)
    with pytest.raises(ExportError, match="x/Strange"):
        graph_from_bytes(model.SerializeToString())
