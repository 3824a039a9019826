"""Which nodes stay in FP32 whatever the images show: an island, found by rule in any detector.

Rules ask what a node computes, never which module it is in; what a detector knows better it
declares in its graph. Knows nothing about activation ranges or about how FP16 is written: it gives
names with reasons.
"""

import difflib
import fnmatch
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from onnx import NodeProto, TensorProto, helper

from slsg_edge.contracts import GRAPH_INPUT
from slsg_edge.errors import ConfigError
from slsg_edge.export.graph import OnnxGraph

# What multiplies by weights, or features with features: the network's own work.
CONTRACTIONS = frozenset({"Conv", "ConvTranspose", "Einsum", "Gemm", "MatMul"})
# Where a block of the network ends: what follows belongs to a head.
_BLOCK_ENDS = CONTRACTIONS | {
    "BatchNormalization", "Elu", "Gelu", "HardSwish", "LeakyRelu", "MaxPool", "Mish", "PRelu",
    "Relu", "Selu", "Swish",
}  # fmt: skip
# Near ties among their inputs decide, and FP16 has 11 bits for them.
_CHOOSING = frozenset({"ArgMax", "ArgMin", "LogSoftmax", "ReduceMin", "Softmax", "TopK"})
_SUMMING = frozenset({"AveragePool", "GlobalAveragePool", "ReduceL1", "ReduceMean", "ReduceSum"})
# A running sum in FP16 stands still at 2048 times its summands, for half an ulp is lost each
# time. 64 of them lose 64 / 2 ulp = 1.6 % at the worst; more are summed in FP32.
LONGEST_SUM = 64
# Bytes on the way to the network, and floats; chosen indices carry no value on.
_CARRIED = frozenset({TensorProto.FLOAT, TensorProto.UINT8})
# They change no value, so they go along with what reads them.
_VIEWS = frozenset({"Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})

_BY_KIND: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("Softmax", "LogSoftmax"), ("softmax", "sums exponentials")),
    **dict.fromkeys(("TopK", "ArgMax", "ArgMin"), ("top-k", "near ties decide")),
    **dict.fromkeys(
        ("LpNormalization", "ReduceL2", "Reciprocal", "Sqrt"),
        ("L2 normalisation", "sums squares or divides by their root"),
    ),
    "ReduceSumSquare": ("squared distance", "sums squares"),
    **dict.fromkeys(
        ("Exp", "Log", "ReduceLogSum", "ReduceLogSumExp"),
        ("exp and log", "spans more than FP16's exponents"),
    ),
    **dict.fromkeys(
        ("GroupNormalization", "InstanceNormalization", "LayerNormalization",
         "MeanVarianceNormalization", "RMSNormalization"),
        ("statistics", "takes mean and variance of what it is given"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """Why a node stays in FP32.

    rule: the name of the rule.
    why: what the rule saw there.
    """

    rule: str
    why: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.why}"


def island_of(graph: OnnxGraph, patterns: Sequence[str] = ()) -> dict[str, Kept]:
    """Node name to reason, in the graph's order; `patterns` are shell patterns of node names.

    ConfigError for a pattern that no node with float tensors matches.
    """
    found = dict(_matches(graph, patterns))
    for rule in _RULES:
        for name, kept in rule(graph):
            found.setdefault(name, kept)
    _bridge(graph, found)
    _take_views(graph, found)
    return {
        node.name: found[node.name]
        for node in graph.nodes
        if node.name in found and has_float(graph, node)
    }


def has_float(graph: OnnxGraph, node: NodeProto) -> bool:
    """Whether precision means anything to it: shapes and indices have none."""
    return any(graph.is_float(name) for name in (*node.input, *node.output))


def _matches(graph: OnnxGraph, patterns: Iterable[str]) -> Iterator[tuple[str, Kept]]:
    names = [node.name for node in graph.nodes if has_float(graph, node)]
    for pattern in patterns:
        matched = fnmatch.filter(names, pattern)
        if not matched:
            near = difflib.get_close_matches(pattern, names, n=3, cutoff=0.3) or names[:3]
            raise ConfigError(
                f"No node is called '{pattern}'.", fix=f"Names look like {', '.join(near)}."
            )
        for name in matched:
            yield name, Kept("asked for", f"matches '{pattern}'")


def _declared(graph: OnnxGraph) -> Iterator[tuple[str, Kept]]:
    for pattern in graph.rules.fp32:
        for node in graph.nodes:
            if fnmatch.fnmatchcase(node.name, pattern):
                yield node.name, Kept("the detector's own", f"matches '{pattern}'")


def _input_normalisation(graph: OnnxGraph) -> Iterator[tuple[str, Kept]]:
    """From bytes to the first convolution: it costs nothing and spares every layer its error."""
    kept = Kept("input normalisation", "before the first convolution")
    for node in _ahead(graph, [GRAPH_INPUT]):
        yield node.name, kept


def _score_head(graph: OnnxGraph) -> Iterator[tuple[str, Kept]]:
    """The node that gives an output in any case, and back to the last convolution."""
    for output in graph.outputs:
        kept = Kept("score head", f"leads to {output}")
        yield graph.producer[output].name, kept
        for node in _behind(graph, [output], products=False):
            yield node.name, kept


def _similarity(graph: OnnxGraph) -> Iterator[tuple[str, Kept]]:
    for chooser in graph.nodes:
        if chooser.op_type in _CHOOSING:
            kept = Kept("similarity", f"leads to {chooser.name}")
            for node in _behind(graph, graph.float_inputs(chooser)[:1], products=True):
                yield node.name, kept


def _by_kind(graph: OnnxGraph) -> Iterator[tuple[str, Kept]]:
    for node in graph.nodes:
        if node.op_type in _BY_KIND:
            yield node.name, Kept(*_BY_KIND[node.op_type])


def _squares(graph: OnnxGraph) -> Iterator[tuple[str, Kept]]:
    for node in graph.nodes:
        if _is_square(graph, node):
            yield node.name, Kept("squared distance", "a square doubles the exponents")


def _is_square(graph: OnnxGraph, node: NodeProto) -> bool:
    if node.op_type == "Mul":
        return bool(node.input[0] == node.input[1])
    if node.op_type != "Pow" or node.input[1] not in graph.constants:
        return False
    return bool((graph.array(node.input[1]) == 2).all())


def _quotients(graph: OnnxGraph) -> Iterator[tuple[str, Kept]]:
    for node in graph.nodes:
        if node.op_type == "Div" and node.input[1] not in graph.constants:
            yield node.name, Kept("quotient", f"divides by {node.input[1]}, which may be small")


def _long_sums(graph: OnnxGraph) -> Iterator[tuple[str, Kept]]:
    for node in graph.nodes:
        if node.op_type in _SUMMING and (count := _summands(graph, node)) > LONGEST_SUM:
            yield node.name, Kept("long sum", f"adds {count} numbers, more than {LONGEST_SUM}")


_RULES: tuple[Callable[[OnnxGraph], Iterable[tuple[str, Kept]]], ...] = (
    _declared,
    _input_normalisation,
    _score_head,
    _by_kind,
    _similarity,
    _squares,
    _quotients,
    _long_sums,
)


def _behind(graph: OnnxGraph, tensors: Iterable[str], *, products: bool) -> Iterator[NodeProto]:
    """Back along float edges until blocks of the network end.

    `products` counts in what ends it when that multiplies features, or features with a bank of
    them: a matrix product, or a convolution whose weights were computed.
    """
    waiting, seen = list(tensors), set[str]()
    while waiting:
        node = graph.producer.get(waiting.pop())
        if node is None or node.name in seen:
            continue
        seen.add(node.name)
        if node.op_type not in _BLOCK_ENDS:
            yield node
            waiting += graph.float_inputs(node)
        elif products and _is_product(graph, node):
            yield node


def _is_product(graph: OnnxGraph, node: NodeProto) -> bool:
    if node.op_type in ("Conv", "ConvTranspose"):
        return node.input[1] not in graph.constants
    return node.op_type in CONTRACTIONS


def _ahead(graph: OnnxGraph, tensors: Iterable[str]) -> Iterator[NodeProto]:
    """Forward, as far as the next contraction."""
    waiting, seen = list(tensors), set[str]()
    while waiting:
        for node in graph.readers.get(waiting.pop(), ()):
            if node.name not in seen and node.op_type not in CONTRACTIONS:
                seen.add(node.name)
                yield node
                waiting += [name for name in node.output if graph.types.get(name) in _CARRIED]


def _bridge(graph: OnnxGraph, found: dict[str, Kept]) -> None:
    """What lies between two nodes of the island with no contraction in the way joins it."""
    firsts = [
        name for node in graph.nodes if node.name in found for name in graph.float_outputs(node)
    ]
    below = {node.name for node in _ahead(graph, firsts)}
    reaches: set[str] = set()  # from which the island can be reached again
    for node in reversed(graph.nodes):
        after = [
            reader
            for name in graph.float_outputs(node)
            for reader in graph.readers.get(name, ())
            if reader.op_type not in CONTRACTIONS
        ]
        if any(reader.name in found or reader.name in reaches for reader in after):
            reaches.add(node.name)
    for node in graph.nodes:
        if node.name in below and node.name in reaches and node.op_type not in CONTRACTIONS:
            found.setdefault(node.name, Kept("in between", "FP32 comes in and goes out"))


def _take_views(graph: OnnxGraph, found: dict[str, Kept]) -> None:
    """One cast before the views rather than one after each."""
    for node in reversed(graph.nodes):
        readers = [reader for name in node.output for reader in graph.readers.get(name, ())]
        if node.op_type in _VIEWS and readers and all(reader.name in found for reader in readers):
            found.setdefault(node.name, Kept("view", f"read by {readers[0].name}"))


def _summands(graph: OnnxGraph, node: NodeProto) -> int:
    """How many numbers each number of its output is a sum of; a free dimension counts as one."""
    if node.op_type == "AveragePool":
        sides = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
        return math.prod(sides["kernel_shape"])
    given, gives = graph.shapes[node.input[0]], graph.shapes[node.output[0]]
    return _size(given) // max(1, _size(gives))


def _size(shape: Iterable[int | str]) -> int:
    return math.prod(side for side in shape if isinstance(side, int))
