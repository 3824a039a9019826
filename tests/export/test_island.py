import numpy as np
import pytest
from graphs import graph_bytes, weights

from slsg_edge.errors import ConfigError
from slsg_edge.export.graph import graph_from_bytes
from slsg_edge.export.island import CONTRACTIONS, island_of

W = weights(4, 3, 1, 1)
V = weights(4, 4, 1, 1)
PLAIN = "features = Conv(pixels, w) raw = Relu(features) logits = Conv(raw, v)"


def island(body, patterns=(), **constants):
    return island_of(graph_from_bytes(graph_bytes(body, w=W, v=V, **constants)), patterns)


def rules(found):
    return {name: kept.rule for name, kept in found.items()}


def test_the_ends_of_a_plain_network_stay_and_its_convolutions_do_not():
    assert rules(island(PLAIN)) == {
        "bytes/Cast": "input normalisation",
        "pixels/Transpose": "input normalisation",
        "anomaly_map/ReduceMax": "score head",
        "image_score/ReduceMax": "score head",
    }


def test_attention_stays_from_the_product_of_features_to_the_softmax():
    body = """
        keys = Conv(pixels, w)
        nodes = Reshape(keys, flat)
        turned = Transpose<perm: ints = [0, 2, 1]>(nodes)
        alike = MatMul(turned, nodes)
        scaled = Mul(alike, half)
        share = Softmax(scaled)
        mixed = MatMul(nodes, share)
        back = Reshape(mixed, square)
        logits = Conv(back, v)
    """
    found = rules(island(body, flat=[1, 4, 64], square=[1, 4, 8, 8], half=np.float32(0.5)))
    assert found["alike/MatMul"] == found["scaled/Mul"] == "similarity"
    assert found["share/Softmax"] == "softmax"
    # `mixed` reads the nodes too, in FP16.
    assert not found.keys() & {"keys/Conv", "nodes/Reshape", "mixed/MatMul", "back/Reshape"}


def test_a_view_that_only_the_island_reads_goes_along():
    body = """
        keys = Conv(pixels, w)
        nodes = Reshape(keys, flat)
        turned = Transpose<perm: ints = [0, 2, 1]>(nodes)
        alike = MatMul(turned, nodes)
        share = Softmax(alike)
        shown = Unsqueeze(share, channel)
        logits = Conv(shown, u)
    """
    found = rules(island(body, flat=[1, 4, 64], u=weights(1, 1, 57, 57)))
    assert found["nodes/Reshape"] == found["turned/Transpose"] == "view"
    assert "shown/Unsqueeze" not in found  # from FP32 to FP16, where one cast does it


@pytest.mark.parametrize(("kernel", "stays"), [("learned", False), ("computed", True)])
def test_a_convolution_before_a_choice_stays_where_it_compares_features(kernel, stays):
    body = f"""
        features = Conv(pixels, w)
        computed = Mul(features, half)
        likeness = Conv(features, {kernel})
        share = Softmax(likeness)
        spread = Mul(features, share)
        logits = Conv(spread, v)
    """
    found = island(body, learned=weights(1, 4, 8, 8), half=np.float32(0.5))
    assert ("likeness/Conv" in found) == stays


def test_normalising_by_length_stays_as_a_whole():
    body = """
        features = Conv(pixels, w)
        length = ReduceL2<keepdims: int = 1>(features, channel)
        safe = Clip(length, tiny)
        unit = Div(features, safe)
        logits = Conv(unit, v)
    """
    found = rules(island(body, tiny=np.float32(1e-12)))
    assert found["length/ReduceL2"] == "L2 normalisation"
    assert found["safe/Clip"] == "in between"
    assert found["unit/Div"] == "quotient"
    assert "features/Conv" not in found


def test_squared_distances_stay_from_the_difference_of_features_on():
    body = """
        one = Conv(pixels, w)
        student = Relu(one)
        two = Conv(pixels, w2)
        teacher = Relu(two)
        apart = Sub(student, teacher)
        squared = Mul(apart, apart)
        logits = ReduceSum<keepdims: int = 1>(squared, channel)
    """
    found = rules(island(body, w2=weights(4, 3, 1, 1, seed=1)))
    assert found["squared/Mul"] == "score head"
    assert {"apart/Sub", "logits/ReduceSum"} < found.keys()
    assert not found.keys() & {"student/Relu", "teacher/Relu", "one/Conv"}


@pytest.mark.parametrize("square", ["Mul(apart, apart)", "Pow(apart, two)"])
def test_squares_stay_inside_the_network_too(square):
    body = f"apart = Conv(pixels, w) squared = {square} logits = Conv(squared, v)"
    assert rules(island(body, two=np.float32(2)))["squared/" + square[:3]] == "squared distance"


@pytest.mark.parametrize("factor", ["Mul(x, two)", "Pow(x, three)"])
def test_doubling_and_other_powers_are_not_squares(factor):
    body = f"x = Conv(pixels, w) y = {factor} logits = Conv(y, v)"
    assert "y/" + factor[:3] not in island(body, two=np.float32(2), three=np.float32(3))


def test_the_coupling_of_a_flow_stays_and_what_steers_it_does_not():
    body = """
        first, second = Split<axis: int = 1, num_outputs: int = 2>(even)
        steering = Conv(first, s)
        growth = Exp(steering)
        grown = Mul(second, growth)
        moved = Add(grown, first)
        whole = Concat<axis: int = 1>(first, moved)
        logits = Conv(whole, v)
    """
    found = rules(island("even = Conv(pixels, w)" + body, s=weights(2, 2, 1, 1)))
    assert found["growth/Exp"] == "exp and log"
    assert not found.keys() & {"even/Conv", "steering/Conv", "whole/Concat"}


def test_between_two_flows_nothing_is_rounded():
    body = """
        one = Conv(pixels, w)
        grown = Exp(one)
        moved = Add(grown, two)
        logs = Log(moved)
        logits = Conv(logs, v)
    """
    assert rules(island(body, two=np.float32(2)))["moved/Add"] == "in between"


def test_a_choice_over_a_residual_trunk_leaves_the_trunk_alone():
    body = """
        one = Conv(pixels, w)
        first = Relu(one)
        two = Conv(first, v)
        sum = Add(two, first)
        second = Relu(sum)
        share = Softmax(second)
        logits = Conv(share, v)
    """
    assert not island(body).keys() & {"sum/Add", "first/Relu", "second/Relu"}


@pytest.mark.parametrize(("side", "stays"), [(8, False), (9, True)])
def test_long_sums_stay_and_short_ones_do_not(side, stays):
    body = """
        wide = Conv<pads: ints = [0, 0, 1, 1]>(pixels, w)
        cut = Slice(wide, from, to, axes)
        pooled = GlobalAveragePool(cut)
        gate = Conv(pooled, v)
        inner = Conv(pixels, w)
        gated = Mul(inner, gate)
        logits = Conv(gated, v)
    """
    constants = {"from": [0, 0], "to": [side, side], "axes": [2, 3]}
    found = rules(island(body, **constants))
    assert (found.get("pooled/GlobalAveragePool") == "long sum") == stays


def test_statistics_stay():
    body = """
        features = Conv(pixels, w)
        even = InstanceNormalization(features, ones, ones)
        logits = Conv(even, v)
    """
    assert rules(island(body, ones=np.ones(4, np.float32)))["even/InstanceNormalization"]


def test_whatever_gives_an_output_stays():
    body = "logits = Conv(pixels, w)"
    assert rules(island(body))["anomaly_map/ReduceMax"] == "score head"


def test_nodes_can_be_asked_for():
    found = island(PLAIN, ["feat*", "*/Relu"])
    assert str(found["features/Conv"]) == "asked for: matches 'feat*'"
    assert found["raw/Relu"].rule == "asked for"
    assert "logits/Conv" not in found


def test_a_pattern_that_matches_nothing_shows_names_like_it():
    with pytest.raises(ConfigError, match="features/Conv"):
        island(PLAIN, ["featurse/*"])


@pytest.mark.parametrize("variant", ["edge", "paper"])
def test_of_slsg_no_convolution_stays_and_every_choice_does(trained_bundle, variant):
    graph = graph_from_bytes((trained_bundle(variant) / "model.onnx").read_bytes())
    found = island_of(graph)
    kinds = {node.name: node.op_type for node in graph.nodes}
    kept = {kinds[name] for name in found}
    assert not kept & {"Conv", "Relu", "BatchNormalization", "Gelu"}
    assert kept & CONTRACTIONS == {"MatMul"}
    assert {name for name, kind in kinds.items() if kind in ("TopK", "Softmax")} < found.keys()
    assert len(found) < len(graph.nodes) / 4
