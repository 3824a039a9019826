import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from slsg_edge.errors import ExportError
from slsg_edge.export.fixed_neighbours import (
    agreement,
    choices_of,
    counterparts,
    own_name,
    with_neighbour_inputs,
    with_neighbour_outputs,
)
from slsg_edge.export.graph import OnnxGraph, graph_from_bytes

SIDE, NEIGHBOURS = 4, 4


def choosing_model(noise: float = 0.0, name: str = "graph/TopK") -> bytes:
    """Rows of a grey picture are nodes; each looks at every second of the most alike ones.

    `noise` is added to one similarity. The score is a TopK too, but nothing is gathered by it.
    """
    disturbance = np.zeros((1, SIDE, SIDE), np.float32)
    disturbance[0, 0, 0] = noise
    constants = {
        "channel": np.array([3]),
        "count": np.array([NEIGHBOURS]),
        "noise": disturbance,
        "starts": np.array([0]),
        "ends": np.array([NEIGHBOURS]),
        "axes": np.array([2]),
        "steps": np.array([2]),
        "flat": np.array([-1]),
        "rows": np.array([SIDE, SIDE]),
        "grid": np.array([1, SIDE, NEIGHBOURS // 2, SIDE]),
        "second": np.array([2]),
        "pixels": np.array([1, SIDE * SIDE]),
        "largest": np.array([1]),
        "grey_scale": np.asarray(255.0, np.float32),
    }
    node = helper.make_node
    nodes = [
        node("Cast", ["frame"], ["floats"], name="cast", to=TensorProto.FLOAT),
        node("ReduceMean", ["floats", "channel"], ["mean"], name="mean", keepdims=0),
        node("Div", ["mean", "grey_scale"], ["grey"], name="scale"),
        node("Transpose", ["grey"], ["turned"], name="turn", perm=[0, 2, 1]),
        node("MatMul", ["grey", "turned"], ["alike"], name="alike"),
        node("Add", ["alike", "noise"], ["similarity"], name="similarity"),
        node("TopK", ["similarity", "count"], ["values", "indices"], name=name),
        node("Slice", ["indices", "starts", "ends", "axes", "steps"], ["neighbours"], name="thin"),
        node("Reshape", ["neighbours", "flat"], ["list"], name="list"),
        node("Reshape", ["grey", "rows"], ["nodes"], name="nodes"),
        node("Gather", ["nodes", "list"], ["found"], name="gather"),
        node("Reshape", ["found", "grid"], ["theirs"], name="theirs"),
        node("ReduceMax", ["theirs", "second"], ["anomaly_map"], name="max", keepdims=0),
        node("Reshape", ["anomaly_map", "pixels"], ["all"], name="all"),
        node("TopK", ["all", "largest"], ["top", "where"], name="score/TopK"),
        node("ReduceMean", ["top", "largest"], ["image_score"], name="score", keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "choosing",
        [helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, SIDE, SIDE, 3])],
        [
            helper.make_tensor_value_info("anomaly_map", TensorProto.FLOAT, [1, SIDE, SIDE]),
            helper.make_tensor_value_info("image_score", TensorProto.FLOAT, [1]),
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def run(content: bytes, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


@pytest.fixture
def graph() -> OnnxGraph:
    return graph_from_bytes(choosing_model())


@pytest.fixture
def frame() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)


def test_the_choice_of_neighbours_is_found_and_that_of_the_score_is_not(graph):
    assert choices_of(graph) == {"graph/TopK": "neighbours"}


def test_a_graph_gives_its_neighbours(graph, frame):
    assert run(with_neighbour_outputs(graph), {"frame": frame})["neighbours"].shape == (
        1,
        SIDE,
        NEIGHBOURS // 2,
    )


def test_with_its_own_neighbours_it_gives_its_own_answers(graph, frame):
    free = run(with_neighbour_outputs(graph), {"frame": frame})
    fixed = run(with_neighbour_inputs(graph), {"frame": frame, "neighbours": free["neighbours"]})
    np.testing.assert_array_equal(fixed["anomaly_map"], free["anomaly_map"])
    np.testing.assert_array_equal(fixed[own_name("neighbours")], free["neighbours"])


def test_with_the_references_neighbours_a_disturbed_choice_changes_nothing(graph, frame):
    disturbed = graph_from_bytes(choosing_model(noise=-5.0))
    reference = run(with_neighbour_outputs(graph), {"frame": frame})
    free = run(with_neighbour_outputs(disturbed), {"frame": frame})
    assert np.abs(free["anomaly_map"] - reference["anomaly_map"]).max() > 0.01
    fed = {"frame": frame, "neighbours": reference["neighbours"]}
    fixed = run(with_neighbour_inputs(disturbed), fed)
    np.testing.assert_array_equal(fixed["anomaly_map"], reference["anomaly_map"])
    assert agreement(free["neighbours"], reference["neighbours"]) < 1


def test_agreement_does_not_ask_for_the_same_order():
    first = np.array([[[1, 2, 3], [4, 5, 6]]])
    assert agreement(first, first[..., ::-1]) == 1
    assert agreement(first, np.array([[[3, 1, 0], [0, 1, 2]]])) == pytest.approx(2 / 6)


def test_other_nodes_are_another_network(graph):
    other = graph_from_bytes(choosing_model(name="other/TopK"))
    assert counterparts(graph, graph) == {"neighbours": "neighbours"}
    with pytest.raises(ExportError, match=r"at graph/TopK and at other/TopK"):
        counterparts(graph, other)
