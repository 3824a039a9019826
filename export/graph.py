"""An exported graph as the passes over it see it: types, shapes, who makes and who reads a tensor.

Knows nothing about precision: FP16 and INT8 are passes of their own, which build a new model from
the nodes and constants of this one and never change it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from slsg_edge.contracts import GRAPH_INPUT, GRAPH_OUTPUTS
from slsg_edge.errors import ExportError

_FIX = "Give a graph that `slsg-edge export` wrote."
_INVALID = (onnx.checker.ValidationError, onnx.shape_inference.InferenceError)

# Where a graph keeps its PrecisionRules, in the order of their fields.
_RULES = ("slsg_edge.fp32", "slsg_edge.fp16")

Shape: TypeAlias = tuple[int | str, ...]
"""A name, or an empty text, stands for a dimension that is not fixed."""


@dataclass(frozen=True, slots=True)
class PrecisionRules:
    """What a network says of its own precision, as shell patterns of node names.

    fp32: nodes that stay in FP32.
    fp16: nodes that may be FP16 but never INT8.
    """

    fp32: tuple[str, ...] = ()
    fp16: tuple[str, ...] = ()


NO_RULES = PrecisionRules()


@dataclass(frozen=True, slots=True)
class OnnxGraph:
    """A checked model and tables over it. Treat protos as read-only.

    model: itself.
    opset: the version of ONNX's own operators.
    nodes: in topological order, each with a name of its own.
    constants: initialisers by name, those that came as Constant nodes too.
    types, shapes: of every tensor, by name.
    producer: the node that makes a tensor, by the tensor's name.
    readers: the nodes that read a tensor, by the tensor's name.
    """

    model: onnx.ModelProto
    opset: int
    nodes: tuple[NodeProto, ...]
    constants: Mapping[str, TensorProto]
    types: Mapping[str, int]
    shapes: Mapping[str, Shape]
    producer: Mapping[str, NodeProto]
    readers: Mapping[str, tuple[NodeProto, ...]]

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(output.name for output in self.model.graph.output)

    @property
    def rules(self) -> PrecisionRules:
        """What the network itself says of its precision."""
        notes = {entry.key: entry.value for entry in self.model.metadata_props}
        return PrecisionRules(*(tuple(notes.get(key, "").split()) for key in _RULES))

    def is_float(self, tensor: str) -> bool:
        """Whether it is FP32: neither FP16 nor an empty optional input is."""
        return self.types.get(tensor) == TensorProto.FLOAT

    def float_inputs(self, node: NodeProto) -> tuple[str, ...]:
        """Without constants: what of its input was computed."""
        return tuple(
            name for name in node.input if self.is_float(name) and name not in self.constants
        )

    def float_outputs(self, node: NodeProto) -> tuple[str, ...]:
        return tuple(name for name in node.output if self.is_float(name))

    def activations(self) -> tuple[str, ...]:
        """Every float tensor that a node makes, in the order in which they are made."""
        return tuple(name for node in self.nodes for name in self.float_outputs(node))

    def array(self, constant: str) -> NDArray[Any]:
        """The values of a constant."""
        return numpy_helper.to_array(self.constants[constant])


def graph_from_bytes(content: bytes, where: str | Path = "the graph") -> OnnxGraph:
    """ExportError when it is damaged, invalid, or not a graph from frame to map and score."""
    try:
        model = onnx.load_from_string(content)
        onnx.checker.check_model(model, full_check=True)
    except DecodeError as error:
        raise ExportError(f"{where} is no ONNX file.", fix=_FIX) from error
    except _INVALID as error:
        raise ExportError(f"{where} is invalid: {_first_line(error)}", fix=_FIX) from error
    _check_contract(model, where)
    _check_nodes(model, where)
    return _tables(model)


def write_rules(model: onnx.ModelProto, rules: PrecisionRules) -> None:
    """Into the model itself, so that they go where it goes."""
    for key, patterns in zip(_RULES, (rules.fp32, rules.fp16), strict=True):
        if patterns:
            model.metadata_props.add(key=key, value=" ".join(patterns))


def module_of(node_name: str) -> str:
    """`network.steps.0.merge.1` of `network.steps.0.merge.1/Conv`."""
    return node_name.rpartition("/")[0]


def with_outputs(graph: OnnxGraph, tensors: Iterable[str]) -> bytes:
    """The serialised model that gives these tensors as well, after its own outputs."""
    probe = onnx.ModelProto()
    probe.CopyFrom(graph.model)
    for name in dict.fromkeys(tensors):
        if name not in graph.outputs:
            probe.graph.output.append(
                helper.make_tensor_value_info(
                    name, graph.types[name], [size or None for size in graph.shapes[name]]
                )
            )
    return bytes(probe.SerializeToString())


def rebuilt(
    graph: OnnxGraph, nodes: Iterable[NodeProto], constants: Iterable[TensorProto] = ()
) -> bytes:
    """The serialised model of other nodes, in topological order, with the same ends.

    Of the constants, old and new, those stay that some node reads; a new one replaces an old one
    of its name. ExportError when the checker finds the result invalid.
    """
    nodes = tuple(nodes)
    read = {name for node in nodes for name in node.input} | set(graph.outputs)
    held = {**graph.constants, **{constant.name: constant for constant in constants}}
    old = graph.model
    model = helper.make_model(
        helper.make_graph(
            nodes,
            old.graph.name,
            old.graph.input,
            old.graph.output,
            [constant for name, constant in held.items() if name in read],
        ),
        opset_imports=old.opset_import,
        ir_version=old.ir_version,
        producer_name=old.producer_name,
        producer_version=old.producer_version,
    )
    model.metadata_props.extend(old.metadata_props)  # its PrecisionRules hold for what follows
    content = bytes(model.SerializeToString())
    return bytes(graph_from_bytes(content, "The changed graph").model.SerializeToString())


def _check_contract(model: onnx.ModelProto, where: str | Path) -> None:
    ends = [(end.name, end.type.tensor_type.elem_type) for end in model.graph.input]
    sides = [len(end.type.tensor_type.shape.dim) for end in model.graph.input]
    if ends != [(GRAPH_INPUT, TensorProto.UINT8)] or sides != [4]:
        raise ExportError(
            f"{where} takes {_said(model.graph.input)}, where {GRAPH_INPUT} uint8 (N, H, W, 3) "
            "is due.",
            fix=_FIX,
        )
    ends = [(end.name, end.type.tensor_type.elem_type) for end in model.graph.output]
    if ends != [(name, TensorProto.FLOAT) for name in GRAPH_OUTPUTS]:
        raise ExportError(
            f"{where} gives {_said(model.graph.output)}, where {' and '.join(GRAPH_OUTPUTS)} in "
            "float32 are due.",
            fix=_FIX,
        )


def _check_nodes(model: onnx.ModelProto, where: str | Path) -> None:
    """What the passes cannot see through: other domains, functions, branches and loops."""
    names = Counter(node.name for node in model.graph.node)
    if "" in names or names.total() > len(names):
        raise ExportError(f"{where} has nodes without a name of their own.", fix=_FIX)
    branches = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
    for node in model.graph.node:
        if node.domain or any(attribute.type in branches for attribute in node.attribute):
            raise ExportError(
                f"{where}: node {node.name} is {node.domain or 'ai.onnx'}.{node.op_type}, which "
                "no pass over the graph can see through.",
                fix=_FIX,
            )


def _tables(model: onnx.ModelProto) -> OnnxGraph:
    _lift_constants(model)
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    constants = {constant.name: constant for constant in model.graph.initializer}
    values = [*model.graph.input, *model.graph.output, *model.graph.value_info]
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    shapes = {value.name: _shape(value) for value in values}
    readers: dict[str, list[NodeProto]] = defaultdict(list)
    for node in model.graph.node:
        for name in dict.fromkeys(filter(None, node.input)):
            readers[name].append(node)
    return OnnxGraph(
        model=model,
        opset=max(entry.version for entry in model.opset_import if not entry.domain),
        nodes=tuple(model.graph.node),
        constants=constants,
        types=types | {name: constant.data_type for name, constant in constants.items()},
        shapes=shapes | {name: tuple(constant.dims) for name, constant in constants.items()},
        producer={name: node for node in model.graph.node for name in filter(None, node.output)},
        readers={name: tuple(nodes) for name, nodes in readers.items()},
    )


def _lift_constants(model: onnx.ModelProto) -> None:
    """Constant nodes become initialisers, so that a pass meets one kind of constant."""
    kept = []
    for node in model.graph.node:
        value = _constant_of(node)
        if value is None:
            kept.append(node)
        else:
            model.graph.initializer.append(value)
    del model.graph.node[:]
    model.graph.node.extend(kept)


def _constant_of(node: NodeProto) -> TensorProto | None:
    if node.op_type != "Constant":
        return None
    value = helper.get_attribute_value(node.attribute[0])
    if not isinstance(value, TensorProto):
        floats = node.attribute[0].name.startswith("value_float")
        value = numpy_helper.from_array(np.asarray(value, np.float32 if floats else np.int64))
    named = TensorProto()
    named.CopyFrom(value)
    named.name = node.output[0]
    return named


def _shape(value: onnx.ValueInfoProto) -> Shape:
    return tuple(
        dim.dim_value if dim.HasField("dim_value") else dim.dim_param
        for dim in value.type.tensor_type.shape.dim
    )


def _said(ends: Iterable[onnx.ValueInfoProto]) -> str:
    return (
        ", ".join(
            f"{end.name} {TensorProto.DataType.Name(end.type.tensor_type.elem_type).lower()} "
            f"{_shape(end)}"
            for end in ends
        )
        or "nothing"
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
