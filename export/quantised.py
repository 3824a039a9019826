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

from slsg_edge.export.graph import Graph, module_of, rebuilt
from slsg_edge.export.island import island_of

LEVELS = 127  # -127 to 127: TensorRT's INT8 is symmetric
# FP16's smallest normal number: what is not INT8 is FP16, and its scales with it.
SMALLEST_SCALE = 2.0**-14
LARGEST_SHARE = 0.25  # of the multiply-adds in one group, before it is split by module
SHRINKS = np.linspace(0.5, 1.0, 26)  # clipping values tried for a channel's weights


@dataclass(frozen=True, slots=True)
class Convolution:
    """One that may become INT8. `input` and `weights` are tensors; `cost` multiply-adds."""

    name: str
    input: str
    weights: str
    cost: int

    @property
    def module(self) -> str:
        return module_of(self.name)


def convolutions_of(graph: Graph, patterns: Sequence[str] = ()) -> tuple[Convolution, ...]:
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


def quantised_from_graph(graph: Graph, clips: Mapping[str, float], names: Container[str]) -> bytes:
    """The serialised graph with the convolutions `names` in INT8.

    `clips`: for each of their input tensors the absolute value that becomes 127. A residual Add
    reads the same rounded tensor as the convolution beside it, so that both run on INT8.
    """
    chosen = [found for found in convolutions_of(graph) if found.name in names]
    rounded = {found.input: f"{found.input}_dequantised" for found in chosen}
    weights = {found.name: f"{found.weights}_dequantised" for found in chosen}
    constants = list(_constants(graph, clips, chosen))
    nodes = list(_input_pairs(graph, rounded))
    for node in graph.nodes:
        for found in (found for found in chosen if found.name == node.name):
            nodes.append(_dequantise(found.weights, weights[found.name], axis=0))
        nodes.append(_rewired(node, rounded, weights))
        for output in node.output:
            if output in rounded:
                nodes += _pair(output, rounded[output])
    return rebuilt(graph, nodes, constants)


def _path_within(
    convolution: Convolution, convolutions: tuple[Convolution, ...], limit: float
) -> str:
    parts = convolution.module.split(".")
    for depth in range(1, len(parts)):
        path = ".".join(parts[:depth])
        inside = [other for other in convolutions if f"{other.module}.".startswith(f"{path}.")]
        if cost_of(inside) <= limit:
            return path
    return convolution.module


def _cost(graph: Graph, node: NodeProto) -> int:
    """Multiply-adds for one frame: each output value reads one filter."""
    filter_size = math.prod(graph.constants[node.input[1]].dims[1:])
    values = math.prod(size for size in graph.shapes[node.output[0]][1:] if isinstance(size, int))
    return int(filter_size * values)


def _constants(
    graph: Graph, clips: Mapping[str, float], chosen: list[Convolution]
) -> Iterator[TensorProto]:
    for name in dict.fromkeys(found.input for found in chosen):
        yield _constant(f"{name}_scale", _representable(np.asarray(clips[name] / LEVELS)))
        yield _constant(f"{name}_zero", np.int8(0))
    for name in dict.fromkeys(found.weights for found in chosen):
        values = graph.array(name)
        scale = weight_scale(values)
        steps = np.round(values / scale.reshape(-1, *[1] * (values.ndim - 1)))
        yield _constant(f"{name}_int8", np.clip(steps, -LEVELS, LEVELS).astype(np.int8))
        yield _constant(f"{name}_scale", scale)
        yield _constant(f"{name}_zero", np.zeros(len(scale), np.int8))


def weight_scale(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(O, ...) to (O,): for each output channel the scale of least squared rounding error."""
    rows = weights.reshape(len(weights), -1).astype(np.float64)
    scales = _representable(SHRINKS[:, None] * np.abs(rows).max(axis=1) / LEVELS)  # (tried, O)
    errors = np.stack([_rounding_error(rows, scale[:, None]) for scale in scales])
    return np.asarray(scales[errors.argmin(axis=0), np.arange(len(rows))])


def _representable(scale: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """The nearest that FP16 holds exactly; for a dead filter the smallest one."""
    held = np.maximum(scale, SMALLEST_SCALE).astype(np.float16)
    return np.asarray(held, np.float32)


def _rounding_error(rows: NDArray[np.float64], scale: NDArray[np.float32]) -> NDArray[np.float64]:
    rounded = np.clip(np.round(rows / scale), -LEVELS, LEVELS) * scale
    return np.asarray(((rounded - rows) ** 2).sum(axis=1))


def _constant(name: str, values: NDArray[Any] | np.int8) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values), name)


def _input_pairs(graph: Graph, rounded: Mapping[str, str]) -> Iterator[NodeProto]:
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
