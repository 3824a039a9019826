"""Fixed neighbours: graphs that give the neighbours they chose, and graphs that take others.

A tiny error makes a near tie fall the other way, and another neighbour then changes the map by far
more than the error itself. With the neighbours fixed to the reference's only the error is left.
Generic: it looks for a TopK whose indices decide what is gathered. Knows nothing about backends.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, helper

from slsg_edge.errors import ExportError
from slsg_edge.export.graph import OnnxGraph, with_outputs

# What stands between the choice and the gathering: other shapes, offsets of a batch.
_BETWEEN = {"Add", "Cast", "Expand", "Flatten", "Identity", "Reshape", "Slice", "Transpose"}
_BETWEEN |= {"Squeeze", "Unsqueeze"}
_GATHERING = {"Gather", "GatherElements", "GatherND"}
_OWN_SUFFIX = "_own"


def choices_of(graph: OnnxGraph) -> dict[str, str]:
    """The TopK nodes that choose, by name, and the tensor of indices (N, nodes, neighbours).

    Behind a Slice where one thins the choice out, as a dilation does.
    """
    return {
        node.name: _thinned(graph, node.output[1])
        for node in graph.nodes
        if node.op_type == "TopK" and _is_gathered(graph, node.output[1])
    }


def with_neighbour_outputs(graph: OnnxGraph) -> bytes:
    """The serialised graph that gives the neighbours it chooses as further outputs."""
    return with_outputs(graph, choices_of(graph).values())


def with_neighbour_inputs(graph: OnnxGraph) -> bytes:
    """The serialised graph that takes its neighbours as further inputs, named as in `choices_of`.

    The neighbours that it would have chosen itself stay outputs, named by `own_name`.
    """
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    chosen = set(choices_of(graph).values())
    for node in model.graph.node:
        for index, name in enumerate(node.output):
            if name in chosen:
                node.output[index] = own_name(name)
    for name in sorted(chosen):
        ends = [size or None for size in graph.shapes[name]]
        kind = graph.types[name]
        model.graph.input.append(helper.make_tensor_value_info(name, kind, ends))
        model.graph.output.append(helper.make_tensor_value_info(own_name(name), kind, ends))
    del model.graph.value_info[:]
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def own_name(choice: str) -> str:
    """The name of the output that holds what the graph would have chosen itself."""
    return f"{choice}{_OWN_SUFFIX}"


def counterparts(reference: OnnxGraph, graph: OnnxGraph) -> Mapping[str, str]:
    """The reference's tensor of neighbours by that of `graph`, another precision of the network.

    ExportError when the two do not choose neighbours at the same nodes.
    """
    choices, reference_choices = choices_of(graph), choices_of(reference)
    if choices.keys() != reference_choices.keys():
        raise ExportError(
            f"The graphs choose neighbours at {', '.join(reference_choices) or 'no node'} and at "
            f"{', '.join(choices) or 'no node'}.",
            fix="Run `slsg-edge export` and what comes after it again.",
        )
    return {choices[node]: reference_choices[node] for node in choices}


def agreement(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """The share of neighbours (..., K) in `first` that are among those in `second`."""
    return float((first[..., :, None] == second[..., None, :]).any(-1).mean())


def _is_gathered(graph: OnnxGraph, tensor: str) -> bool:
    return any(
        node.op_type in _GATHERING and node.input[1] in reached
        for reached in [set(_reached(graph, tensor))]
        for name in reached
        for node in graph.readers.get(name, ())
    )


def _reached(graph: OnnxGraph, tensor: str) -> Iterator[str]:
    """The tensor, and all that it is turned into before it is used."""
    yield tensor
    for node in graph.readers.get(tensor, ()):
        if node.op_type in _BETWEEN:
            yield from _reached(graph, node.output[0])


def _thinned(graph: OnnxGraph, tensor: str) -> str:
    readers: tuple[NodeProto, ...] = graph.readers.get(tensor, ())
    return readers[0].output[0] if [node.op_type for node in readers] == ["Slice"] else tensor
