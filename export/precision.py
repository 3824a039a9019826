"""FP16 in the graph: every float edge gets one type, and what FP16 would break stays in FP32.

TensorRT takes such a graph strongly typed: it computes in the types that it reads. The ends of
the graph stay as the contract says. Knows nothing about TensorRT or how ranges were measured.
"""

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, TensorProto, defs, helper, numpy_helper

from slsg_edge.export.graph import OnnxGraph, rebuilt
from slsg_edge.export.island import Kept, has_float, island_of
from slsg_edge.export.rounding import ValueRange, unsafe_nodes

PROOF_RULE = "the proof"  # of what stays in FP32 since FP16 was off

_HALF = TensorProto.FLOAT16
_WHOLE = TensorProto.FLOAT
_SUFFIX: Mapping[int, str] = {_HALF: "fp16", _WHOLE: "fp32"}
_ROI = ("Resize", 1)  # coordinates: a type of its own, and no data


@dataclass(frozen=True, slots=True)
class HalfGraph:
    """A graph in FP16.

    content: serialised.
    kept: the nodes that stay in FP32, and why.
    nodes: how many have float tensors at all.
    """

    content: bytes
    kept: Mapping[str, Kept]
    nodes: int

    def reasons(self) -> dict[str, int]:
        """How many nodes each rule keeps in FP32, most first."""
        return dict(Counter(kept.rule for kept in self.kept.values()).most_common())


def half_graph(
    graph: OnnxGraph,
    ranges: Mapping[str, ValueRange],
    patterns: Sequence[str] = (),
    more: Mapping[str, Kept] | None = None,
) -> HalfGraph:
    """`graph` in FP16, but for its island, what `ranges` forbid, `patterns` and `more`.

    Q/DQ nodes may stand in it: their scales take the type of the tensor beside them. ConfigError
    for a pattern that matches nothing.
    """
    island = island_of(graph, patterns)
    more = more or {}
    for name, kept in (*unsafe_nodes(graph, ranges), *_without_half(graph), *more.items()):
        island.setdefault(name, kept)
    order = [node.name for node in graph.nodes if has_float(graph, node)]
    kept_in_order = {name: island[name] for name in order if name in island}
    return HalfGraph(_halved(graph, kept_in_order), kept_in_order, len(order))


def widenings(graph: OnnxGraph) -> Iterator[Mapping[str, Kept]]:
    """More and more of the graph, for where FP16 costs more than it may: first the last quarter of
    the nodes with floats, then the first one, then halves; in the end all.
    """
    names = [node.name for node in graph.nodes if has_float(graph, node)]
    kept = Kept(PROOF_RULE, "FP16 was off by more than its tolerance on the golden frames")
    for quarters in (1, 2, 3):
        count = -(-len(names) * quarters // 4)
        yield dict.fromkeys(names[-count:], kept)
        yield dict.fromkeys(names[:count], kept)
    yield dict.fromkeys(names, kept)


def _without_half(graph: OnnxGraph) -> list[tuple[str, Kept]]:
    kept = Kept("no FP16", f"ONNX has it in FP32 only, at opset {graph.opset}")
    return [
        (node.name, kept)
        for node in graph.nodes
        if has_float(graph, node) and node.op_type != "Cast" and not _may_be_half(graph, node)
    ]


def _may_be_half(graph: OnnxGraph, node: NodeProto) -> bool:
    """Whether what it gives follows what it takes, and may be FP16."""
    schema = defs.get_schema(node.op_type, graph.opset, node.domain)
    gives = all(
        _allows_half(schema, schema.outputs[min(index, len(schema.outputs) - 1)])
        for index, name in enumerate(node.output)
        if graph.is_float(name)
    )
    return gives and any(
        _takes_half(graph, node, index)
        for index, name in enumerate(node.input)
        if graph.is_float(name)
    )


def _takes_half(graph: OnnxGraph, node: NodeProto, index: int) -> bool:
    """Resize's scales, for one, are FP32 whatever it resizes."""
    schema = defs.get_schema(node.op_type, graph.opset, node.domain)
    formal = schema.inputs[min(index, len(schema.inputs) - 1)]  # the last may take several
    return (node.op_type, index) != _ROI and _allows_half(schema, formal)


def _allows_half(schema: defs.OpSchema, formal: defs.OpSchema.FormalParameter) -> bool:
    return "tensor(float16)" in formal.types


def _halved(graph: OnnxGraph, kept: Container[str]) -> bytes:
    writer = _Writer(graph, kept)
    for node in graph.nodes:
        writer.add(node)
    return rebuilt(graph, writer.nodes, writer.constants)


class _Writer:
    """Nodes and constants of the new graph, and the type that each float tensor has in it."""

    def __init__(self, graph: OnnxGraph, kept: Container[str]) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._graph = graph
        self._kept = kept
        self._types: dict[str, int] = {}
        self._twins: dict[tuple[str, int], str] = {}
        self._names = {*graph.types, *(node.name for node in graph.nodes)}

    def add(self, node: NodeProto) -> None:
        """A copy of `node`, after the casts that it needs."""
        kind = self._type_of(node)
        new = NodeProto()
        new.CopyFrom(node)
        for index, name in enumerate(node.input):
            if self._graph.is_float(name) and node.op_type != "Cast":  # it takes any type
                half = kind == _HALF and _takes_half(self._graph, node, index)
                new.input[index] = self._typed(name, _HALF if half else _WHOLE)
        self.nodes.append(new)
        self._types |= dict.fromkeys(self._graph.float_outputs(node), kind)

    def _type_of(self, node: NodeProto) -> int:
        """Of what it computes. A Cast says itself what it gives."""
        if node.name in self._kept or node.op_type == "Cast":
            return _WHOLE
        if node.op_type == "QuantizeLinear":
            return self._types.get(node.input[0], _HALF)
        if node.op_type == "DequantizeLinear":
            readers = self._graph.readers.get(node.output[0], ())
            return _WHOLE if all(reader.name in self._kept for reader in readers) else _HALF
        return _HALF

    def _typed(self, name: str, kind: int) -> str:
        """The name under which `name` is had in this type."""
        if self._types.get(name, _WHOLE) == kind:
            return name
        if (name, kind) not in self._twins:
            self._twins[name, kind] = self._free(f"{name}_{_SUFFIX[kind]}")
            self._make(name, self._twins[name, kind], kind)
        return self._twins[name, kind]

    def _make(self, name: str, twin: str, kind: int) -> None:
        if name in self._graph.constants:
            values = self._graph.array(name).astype(np.float16)
            self.constants.append(numpy_helper.from_array(values, twin))
            return
        label = self._free(f"{self._graph.producer[name].name}_to_{_SUFFIX[kind]}")
        self.nodes.append(helper.make_node("Cast", [name], [twin], name=label, to=kind))

    def _free(self, name: str) -> str:
        while name in self._names:
            name += "_"
        self._names.add(name)
        return name
