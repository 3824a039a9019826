"""Proof that an engine computes in the precision it was asked for.

TensorRT may give an FP32 engine without an error, so the types of the layers are compared with
what the passes that made the graph wrote down: which nodes stay FP32, which became INT8. Knows
nothing about files, and TensorRT only by its types.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from slsg_edge.bundle.engine_record import LayerCount
from slsg_edge.contracts import Precision
from slsg_edge.errors import EngineError
from slsg_edge.machine.tensorrt_surface import Layer, NetworkDefinition, NetworkTensor

# The kinds that carry the arithmetic; what is left of a network moves and reshapes.
COMPUTE = ("CONVOLUTION", "DECONVOLUTION", "MATRIX_MULTIPLY")
FLOATS = ("FLOAT", "HALF", "BF16")
_VIEWS = ("SHUFFLE", "SQUEEZE", "UNSQUEEZE")
SHOWN = 8  # layers in an error

_NODE = re.compile(r"\[ONNX Layer: ([^\]]*)\]")
# How the inspector spells a type, as in `Half` or `Channel major FP16 format`.
_SPELLINGS = (
    ("INT8", re.compile("int8", re.IGNORECASE)),
    ("HALF", re.compile("half|fp16", re.IGNORECASE)),
    ("FLOAT", re.compile("float|fp32", re.IGNORECASE)),
)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the graph's maker recorded.

    precision: what was asked for.
    fp32_nodes, int8_nodes: names of ONNX nodes, None where nothing was recorded.
    """

    precision: Precision
    fp32_nodes: frozenset[str] | None = None
    int8_nodes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class LayerFact:
    """A layer of a network.

    node: the ONNX node it comes from.
    kind: TensorRT's name for what it does.
    dtype: of what it gives.
    quantised: whether both data and weights come straight out of INT8.
    """

    node: str
    kind: str
    dtype: str
    quantised: bool

    @property
    def computes(self) -> bool:
        return self.kind in COMPUTE

    @property
    def arithmetic(self) -> str:
        """The type it multiplies in."""
        return "INT8" if self.quantised and self.computes else self.dtype


def facts_of(network: NetworkDefinition) -> tuple[LayerFact, ...]:
    """Every layer of a parsed network."""
    layers = [network.get_layer(index) for index in range(network.num_layers)]
    maker = {tensor.name: layer for layer in layers for tensor in _outputs(layer)}
    return tuple(_fact(layer, maker) for layer in layers if layer.num_outputs)


def counts_of(facts: Iterable[LayerFact]) -> tuple[LayerCount, ...]:
    """By kind and type, those that compute in floating point or INT8 only."""
    seen = Counter(
        (fact.kind, fact.arithmetic)
        for fact in facts
        if fact.arithmetic in (*FLOATS, "INT8") and fact.kind != "CONSTANT"
    )
    return tuple(LayerCount(kind, dtype, count) for (kind, dtype), count in sorted(seen.items()))


def fp32_layers(facts: Iterable[LayerFact]) -> tuple[str, ...]:
    return tuple(fact.node for fact in facts if fact.computes and fact.arithmetic == "FLOAT")


def prove_network(facts: tuple[LayerFact, ...], expected: Expectation) -> None:
    """EngineError that names the layers whose type is not what was asked for.

    Without a record at least half of the convolutions must have the precision.
    """
    computing = [fact for fact in facts if fact.computes]
    wrong = [fact for fact in computing if fact.arithmetic not in _allowed(fact.node, expected)]
    if expected.fp32_nodes is not None:
        wrong += [
            fact
            for fact in facts
            if not fact.computes and fact.node in expected.fp32_nodes and fact.dtype == "HALF"
        ]
    if wrong:
        raise _lost(expected, [f"{fact.node} is {fact.arithmetic}" for fact in wrong])
    if expected.precision == "fp32":
        return
    wanted = "HALF" if expected.precision == "fp16" else "INT8"
    reached = [fact for fact in computing if fact.arithmetic == wanted]
    if not reached or (_unrecorded(expected) and 2 * len(reached) < len(computing)):
        raise _lost(expected, [f"{fact.node} is {fact.arithmetic}" for fact in computing])


def prove_engine(information: str, facts: tuple[LayerFact, ...], expected: Expectation) -> bool:
    """The same of the convolutions in an EngineInspector's JSON; False where it shows none.

    A layer that fused several nodes is right when any of its inputs or outputs has a type that
    is due; what a ForeignNode does inside is not shown, and FP32 inside casts looks like FP16.
    """
    due = _due_convolutions(facts, expected)
    shown, wrong = 0, []
    for layer in _layers_in(information):
        nodes = [node for node in _NODE.findall(str(layer.get("Metadata", ""))) if node in due]
        types = _types_in(layer)
        if not nodes or not types or "ForeignNode" in str(layer.get("Name")):
            continue
        shown += 1
        if not types & {dtype for node in nodes for dtype in due[node]}:
            wrong.append(f"{', '.join(nodes)} is {' and '.join(sorted(types))}")
    if wrong:
        raise _lost(expected, wrong)
    return shown > 0


def _fact(layer: Layer, maker: Mapping[str, Layer]) -> LayerFact:
    named = _NODE.search(layer.metadata)
    sources = [layer.get_input(index) for index in range(min(layer.num_inputs, 2))]
    return LayerFact(
        node=named[1] if named else layer.name,
        kind=layer.type.name,
        dtype=layer.get_output(0).dtype.name,
        quantised=len(sources) == 2 and all(_dequantised(tensor, maker) for tensor in sources),
    )


def _outputs(layer: Layer) -> list[NetworkTensor]:
    return [layer.get_output(index) for index in range(layer.num_outputs)]


def _dequantised(tensor: NetworkTensor | None, maker: Mapping[str, Layer]) -> bool:
    """Looks through the views that the parser puts before a convolution over one dimension."""
    while tensor is not None and tensor.name in maker:
        source = maker[tensor.name]
        if source.type.name not in _VIEWS:
            return source.type.name == "DEQUANTIZE"
        tensor = source.get_input(0)
    return False


def _unrecorded(expected: Expectation) -> bool:
    if expected.precision == "int8":
        return expected.int8_nodes is None
    return expected.precision == "fp16" and expected.fp32_nodes is None


def _allowed(node: str, expected: Expectation) -> tuple[str, ...]:
    """The types that a computing node may have."""
    if expected.precision == "fp32":
        return ("FLOAT",)
    if expected.int8_nodes is not None and node in expected.int8_nodes:
        return ("INT8",)
    quantised = ("INT8",) if expected.precision == "int8" and expected.int8_nodes is None else ()
    if expected.fp32_nodes is None:
        return (*quantised, "HALF", "FLOAT")
    return (*quantised, "FLOAT" if node in expected.fp32_nodes else "HALF")


def _due_convolutions(
    facts: tuple[LayerFact, ...], expected: Expectation
) -> dict[str, tuple[str, ...]]:
    nodes = [fact.node for fact in facts if fact.kind == "CONVOLUTION"]
    allowed = {node: _allowed(node, expected) for node in nodes}
    if expected.precision == "fp32":
        return allowed
    return {node: types for node, types in allowed.items() if "FLOAT" not in types}


def _layers_in(information: str) -> Iterator[Mapping[str, object]]:
    """None when the engine holds names only."""
    for layer in json.loads(information).get("Layers", ()):
        if isinstance(layer, dict):
            yield layer


def _types_in(layer: Mapping[str, object]) -> set[str]:
    found = set()
    for key in ("Inputs", "Outputs"):
        tensors = layer.get(key)
        for tensor in tensors if isinstance(tensors, list) else ():
            text = f"{tensor.get('Format/Datatype', '')} {tensor.get('Datatype', '')}"
            found |= {dtype for dtype, spelling in _SPELLINGS if spelling.search(text)}
    return found


def _lost(expected: Expectation, layers: list[str]) -> EngineError:
    more = f"\n  and {len(layers) - SHOWN} more" if len(layers) > SHOWN else ""
    return EngineError(
        f"The engine would not compute in {expected.precision} as asked:\n  "
        + "\n  ".join(layers[:SHOWN])
        + more,
        fix="Make the graph again: slsg-edge export, and calibrate --int8 for int8.",
    )
