"""A precision that was lost is found, in the network and in the built engine."""

import json

import pytest

from slsg_edge.errors import EngineError
from slsg_edge.export.precision_proof import (
    Expectation,
    LayerFact,
    counts_of,
    fp32_layers,
    prove_engine,
    prove_network,
)


def conv(node: str, dtype: str = "HALF", quantised: bool = False) -> LayerFact:
    return LayerFact(node, "CONVOLUTION", dtype, quantised)


FP16 = Expectation("fp16", fp32_nodes=frozenset({"head/MatMul", "head/Clip"}))
INT8 = Expectation("int8", frozenset({"head/MatMul"}), int8_nodes=frozenset({"a/Conv"}))
ISLAND = LayerFact("head/MatMul", "MATRIX_MULTIPLY", "FLOAT", False)


def test_what_was_asked_for_passes():
    prove_network((conv("a/Conv"), conv("b/Conv"), ISLAND), FP16)
    prove_network((conv("a/Conv", quantised=True), conv("b/Conv"), ISLAND), INT8)
    prove_network((conv("a/Conv", "FLOAT"), ISLAND), Expectation("fp32"))


def test_a_silent_fp32_names_its_layers():
    with pytest.raises(EngineError, match=r"in fp16 as asked:\n  b/Conv is FLOAT") as lost:
        prove_network((conv("a/Conv"), conv("b/Conv", "FLOAT"), ISLAND), FP16)
    assert "a/Conv" not in str(lost.value)


def test_an_island_that_was_lost_is_named():
    with pytest.raises(EngineError, match="head/MatMul is HALF"):
        prove_network(
            (conv("a/Conv"), LayerFact("head/MatMul", "MATRIX_MULTIPLY", "HALF", False)), FP16
        )
    with pytest.raises(EngineError, match="head/Clip is HALF"):
        prove_network((conv("a/Conv"), LayerFact("head/Clip", "ACTIVATION", "HALF", False)), FP16)


def test_a_convolution_that_is_not_fed_by_int8_is_named():
    with pytest.raises(EngineError, match="a/Conv is HALF"):
        prove_network((conv("a/Conv"), conv("b/Conv"), ISLAND), INT8)
    with pytest.raises(EngineError, match="b/Conv is INT8"):
        prove_network((conv("a/Conv", quantised=True), conv("b/Conv", quantised=True)), INT8)


def test_fp32_is_all_fp32():
    with pytest.raises(EngineError, match="a/Conv is HALF"):
        prove_network((conv("a/Conv"),), Expectation("fp32"))


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_without_a_record_half_of_the_convolutions_must_have_it(precision):
    unknown = Expectation(precision)
    right = conv("a/Conv", quantised=precision == "int8")
    prove_network((right, conv("b/Conv", "FLOAT")), unknown)
    with pytest.raises(EngineError, match="b/Conv is FLOAT"):
        prove_network((right, conv("b/Conv", "FLOAT"), conv("c/Conv", "FLOAT")), unknown)
    with pytest.raises(EngineError, match="would not compute"):
        prove_network((), unknown)


def test_a_long_list_is_cut():
    facts = tuple(conv(f"{number}/Conv", "FLOAT") for number in range(20))
    with pytest.raises(EngineError, match="and 12 more"):
        prove_network(facts, FP16)


def test_layers_are_counted_by_kind_and_type():
    facts = (conv("a"), conv("b"), conv("c", "FLOAT"), LayerFact("s", "SHAPE", "INT64", False))
    found = [(count.kind, count.dtype, count.count) for count in counts_of(facts)]
    assert found == [("CONVOLUTION", "FLOAT", 1), ("CONVOLUTION", "HALF", 2)]
    assert fp32_layers(facts) == ("c",)


def engine(*layers: dict) -> str:
    return json.dumps({"Layers": list(layers), "Bindings": []})


def layer(nodes: list[str], *types: str, name: str = "x", key: str = "Format/Datatype") -> dict:
    return {
        "Name": name,
        "LayerType": "CaskConvolution",
        "Inputs": [{"Name": "in", key: types[0]}],
        "Outputs": [{"Name": "out", key: types[-1]}],
        "Metadata": "\u001f".join(f"[ONNX Layer: {node}]" for node in nodes),
    }


FACTS = (conv("a/Conv"), conv("b/Conv"), ISLAND)


@pytest.mark.parametrize("spelling", ["Half", "Channel major FP16 format where channel % 8 == 0"])
def test_a_built_engine_in_half_passes(spelling):
    assert prove_engine(engine(layer(["a/Conv", "a/Relu"], "Float", spelling)), FACTS, FP16)


def test_a_built_engine_that_fell_back_fails():
    shown = engine(layer(["a/Conv"], "Half"), layer(["b/Conv"], "Row major linear FP32", "Float"))
    with pytest.raises(EngineError, match="b/Conv is FLOAT"):
        prove_engine(shown, FACTS, FP16)


def test_int8_is_looked_for_in_the_built_engine():
    facts = (conv("a/Conv", quantised=True), conv("b/Conv"))
    vectorised = "Thirty-two wide channel vectorized row major Int8 format."
    assert prove_engine(engine(layer(["a/Conv"], vectorised)), facts, INT8)
    with pytest.raises(EngineError, match="a/Conv is HALF"):
        prove_engine(engine(layer(["a/Conv"], "Half")), facts, INT8)


def test_fp32_engines_must_not_be_half():
    with pytest.raises(EngineError, match="a/Conv is HALF"):
        prove_engine(engine(layer(["a/Conv"], "Half")), FACTS, Expectation("fp32"))


@pytest.mark.parametrize(
    "shown",
    [
        json.dumps({"Layers": ["a/Conv + a/Relu"]}),
        engine(layer(["a/Conv"], "Float", name="{ForeignNode[a/Conv...b/Conv]}")),
        engine(layer(["head/MatMul"], "Float")),
        engine(layer(["a/Conv"], "")),
    ],
)
def test_an_engine_that_shows_nothing_of_it_proves_nothing(shown):
    assert not prove_engine(shown, FACTS, FP16)
