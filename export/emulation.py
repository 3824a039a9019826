"""A graph of FP16 as a GPU computes it, written in FP32 so that a CPU computes the same.

ONNX Runtime's CPU provider and OpenVINO leave out the rounding between FP16 nodes: (x + 1000) -
1000 gives back x. Here each result is rounded where it is made, from sums taken in FP32, as
tensor cores do. Subnormal numbers keep their bits: what they would cost, `rounding` judges.
"""

from collections.abc import Iterator

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from slsg_edge.export.graph import OnnxGraph, rebuilt

# Veltkamp's splitting: with c = 2**13 + 1, c x - (c x - x) is x rounded from 24 bits to 11.
# 2**16, where FP16 has become infinite, times 2**112 is more than FP32 holds; infinity less
# infinity is no number, and everything else gives 0 here.
_FACTORS = {"emulated_split": 2**13 + 1, "emulated_up": 2**112}


def emulated(graph: OnnxGraph) -> bytes:
    """The serialised FP32 graph that rounds wherever `graph`, an FP16 one, has an FP16 result."""
    nodes = [made for node in graph.nodes for made in _in_fp32(graph, node)]
    constants = [
        numpy_helper.from_array(graph.array(name).astype(np.float32), name)
        for name in graph.constants
        if _is_half(graph, name)
    ]
    constants += [
        numpy_helper.from_array(np.asarray(value, np.float32), name)
        for name, value in _FACTORS.items()
    ]
    return rebuilt(graph, nodes, constants)


def _is_half(graph: OnnxGraph, tensor: str) -> bool:
    return graph.types.get(tensor) == TensorProto.FLOAT16


def _in_fp32(graph: OnnxGraph, node: NodeProto) -> Iterator[NodeProto]:
    new = NodeProto()
    new.CopyFrom(node)
    if node.op_type == "Cast" and _is_half(graph, node.output[0]):
        del new.attribute[:]
        new.attribute.append(helper.make_attribute("to", TensorProto.FLOAT))
    halves = [index for index, name in enumerate(node.output) if _is_half(graph, name)]
    for index in halves:
        new.output[index] = f"{node.output[index]}_exact"
    yield new
    for index in halves:
        yield from _rounded(new.output[index], node.output[index])


def _rounded(exact: str, rounded: str) -> Iterator[NodeProto]:
    """Ends with an Add: ONNX Runtime would make the scale of a matrix product of a Mul."""
    split, up = _FACTORS
    steps = (
        ("Mul", (exact, split), "scaled"),
        ("Sub", ("scaled", exact), "rest"),
        ("Sub", ("scaled", "rest"), "short"),
        ("Mul", ("short", up), "huge"),
        ("Sub", ("huge", "huge"), "fault"),
        ("Add", ("short", "fault"), ""),
    )
    made = {step: f"{rounded}_{step}" for _, _, step in steps} | {"": rounded}
    for kind, inputs, step in steps:
        names = [made.get(name, name) for name in inputs]
        yield helper.make_node(kind, names, [made[step]], name=f"{rounded}/emulated_{step}")
