"""INT8 as explicit Q/DQ in the graph: which convolutions can have it, in which groups, and how.

Symmetric everywhere: weights per output channel, stored as INT8; activations per tensor; biases
stay float. Knows nothing about how scales or groups are chosen.
"""

import fnmatch
import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from slsg_edge.export.graph import OnnxGraph, graph_from_bytes, module_of, rebuilt
from slsg_edge.export.island import island_of
from slsg_edge.export.precision import HalfGraph, half_graph
from slsg_edge.export.rounding import ValueRange

INT8_LEVELS = 127  # -127 to 127: TensorRT's INT8 is symmetric
# FP16's smallest normal number: what is not INT8 is FP16, and its scales with it.
SMALLEST_SCALE = 2.0**-14
LARGEST_SHARE = 0.25  # of the multiply-adds in one group, before it is split by module
SHRINKS = np.linspace(0.5, 1.0, 26)  # clipping values tried for a channel's weights


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution that may become INT8.

    name: of its node.
    input: the tensor that it reads.
    weights: the constant that holds its filters.
    cost: multiply-adds for one frame.
    """

    name: str
    input: str
    weights: str
    cost: int

    @property
    def module(self) -> str:
        return module_of(self.name)


def convolutions_of(graph: OnnxGraph, patterns: Sequence[str] = ()) -> tuple[Convolution, ...]:
    """Every Conv with constant weights that neither rules nor its detector keep out of INT8.

    Nor `patterns`, shell patterns of node names that the user keeps in FP32.
    """
    island = island_of(graph, patterns)
    return tuple(
        Convolution(node.name, node.input[0], node.input[1], _cost(graph, node))
        for node in graph.nodes
        if node.op_type == "Conv" and node.input[1] in graph.constants
        if node.name not in island
        if not any(fnmatch.fnmatchcase(node.name, pattern) for pattern in graph.rules.fp16)
    )


def groups_of(convolutions: tuple[Convolution, ...]) -> dict[str, tuple[Convolution, ...]]:
    """By module path, in the graph's order: the shortest paths that hold LARGEST_SHARE at most."""
    total = cost_of(convolutions)
    groups: dict[str, list[Convolution]] = {}
    for convolution in convolutions:
        path = _path_within(convolution, convolutions, LARGEST_SHARE * total)
        groups.setdefault(path, []).append(convolution)
    return {path: tuple(members) for path, members in groups.items()}


def cost_of(convolutions: Iterable[Convolution]) -> int:
    return sum(convolution.cost for convolution in convolutions)


def quantised_from_graph(
    graph: OnnxGraph, clips: Mapping[str, float], names: Container[str]
) -> bytes:
    """The serialised graph with the convolutions `names` in INT8.

    `clips`: for each of their input tensors the absolute value that becomes 127. A residual Add
    reads the same rounded tensor as the convolution beside it, so that both run on INT8.
    """
    chosen = {entry.name: entry for entry in convolutions_of(graph) if entry.name in names}
    rounded = {entry.input: f"{entry.input}_dequantised" for entry in chosen.values()}
    weights = {name: f"{entry.weights}_dequantised" for name, entry in chosen.items()}
    constants = list(_constants(graph, clips, list(chosen.values())))
    nodes = list(_input_pairs(graph, rounded))
    for node in graph.nodes:
        if node.name in chosen:
            nodes.append(_dequantise(chosen[node.name].weights, weights[node.name], axis=0))
        nodes.append(_rewired(node, rounded, weights))
        for output in node.output:
            if output in rounded:
                nodes += _pair(output, rounded[output])
    return rebuilt(graph, nodes, constants)


class Int8Writer:
    """Graphs with any groups in INT8, in their final form: what is not INT8 is FP16.

    `clips` are those of `quantised_from_graph`, `ranges` and `patterns` those of `half_graph`.
    """

    def __init__(
        self,
        graph: OnnxGraph,
        clips: Mapping[str, float],
        groups: Mapping[str, tuple[Convolution, ...]],
        ranges: Mapping[str, ValueRange],
        patterns: tuple[str, ...],
    ) -> None:
        self._graph, self._clips = graph, clips
        self._groups, self._ranges = groups, ranges
        self._patterns = patterns

    def graph_of(self, int8: Container[str]) -> HalfGraph:
        content = quantised_from_graph(self._graph, self._clips, self.nodes_of(int8))
        return half_graph(graph_from_bytes(content), self._ranges, self._patterns)

    def nodes_of(self, int8: Container[str]) -> list[str]:
        """The names of the convolutions of some groups."""
        chosen = (members for group, members in self._groups.items() if group in int8)
        return [convolution.name for members in chosen for convolution in members]


def _path_within(
    convolution: Convolution, convolutions: tuple[Convolution, ...], limit: float
) -> str:
    parts = convolution.module.split(".")
    for depth in range(1, len(parts)):
        path = ".".join(parts[:depth])
        inside = [entry for entry in convolutions if f"{entry.module}.".startswith(f"{path}.")]
        if cost_of(inside) <= limit:
            return path
    return convolution.module


def _cost(graph: OnnxGraph, node: NodeProto) -> int:
    """Multiply-adds for one frame: each output value reads one filter."""
    filter_size = math.prod(graph.constants[node.input[1]].dims[1:])
    values = math.prod(size for size in graph.shapes[node.output[0]][1:] if isinstance(size, int))
    return int(filter_size * values)


def _constants(
    graph: OnnxGraph, clips: Mapping[str, float], chosen: list[Convolution]
) -> Iterator[TensorProto]:
    for name in dict.fromkeys(convolution.input for convolution in chosen):
        yield _constant(f"{name}_scale", _representable(np.asarray(clips[name] / INT8_LEVELS)))
        yield _constant(f"{name}_zero", np.int8(0))
    for name in dict.fromkeys(convolution.weights for convolution in chosen):
        values = graph.array(name)
        scale = weight_scale(values)
        steps = np.round(values / scale.reshape(-1, *[1] * (values.ndim - 1)))
        yield _constant(f"{name}_int8", np.clip(steps, -INT8_LEVELS, INT8_LEVELS).astype(np.int8))
        yield _constant(f"{name}_scale", scale)
        yield _constant(f"{name}_zero", np.zeros(len(scale), np.int8))


def weight_scale(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(O, ...) to (O,): for each output channel the scale of least squared rounding error."""
    rows = weights.reshape(len(weights), -1).astype(np.float64)
    scales = _representable(SHRINKS[:, None] * np.abs(rows).max(axis=1) / INT8_LEVELS)  # (tried, O)
    errors = np.stack([_rounding_error(rows, scale[:, None]) for scale in scales])
    return np.asarray(scales[errors.argmin(axis=0), np.arange(len(rows))])


def _representable(scale: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """The nearest that FP16 holds exactly; for a dead filter the smallest one."""
    held = np.maximum(scale, SMALLEST_SCALE).astype(np.float16)
    return np.asarray(held, np.float32)


def _rounding_error(rows: NDArray[np.float64], scale: NDArray[np.float32]) -> NDArray[np.float64]:
    rounded = np.clip(np.round(rows / scale), -INT8_LEVELS, INT8_LEVELS) * scale
    return np.asarray(((rounded - rows) ** 2).sum(axis=1))


def _constant(name: str, values: NDArray[Any] | np.int8) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values), name)


def _input_pairs(graph: OnnxGraph, rounded: Mapping[str, str]) -> Iterator[NodeProto]:
    """For tensors that no node makes: the graph's own input, were it float."""
    for name in rounded:
        if name not in graph.producer:
            yield from _pair(name, rounded[name])


def _pair(tensor: str, dequantised: str) -> list[NodeProto]:
    quantise = helper.make_node(
        "QuantizeLinear",
        [tensor, f"{tensor}_scale", f"{tensor}_zero"],
        [f"{tensor}_int8"],
        name=f"{tensor}/QuantizeLinear",
    )
    return [quantise, _dequantise(tensor, dequantised)]


def _dequantise(tensor: str, result: str, axis: int | None = None) -> NodeProto:
    inputs = [f"{tensor}_int8", f"{tensor}_scale", f"{tensor}_zero"]
    node = helper.make_node("DequantizeLinear", inputs, [result], f"{tensor}/DequantizeLinear")
    if axis is not None:
        node.attribute.append(helper.make_attribute("axis", axis))
    return node


def _rewired(node: NodeProto, rounded: Mapping[str, str], weights: Mapping[str, str]) -> NodeProto:
    """A copy that reads the rounded tensors; only INT8 convolutions and residual Adds do."""
    residual = node.op_type == "Add"
    if node.name not in weights and not residual:
        return node
    copy = NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = [rounded.get(name, name) for name in node.input]
    if not residual:
        copy.input[1] = weights[node.name]
    return copy
