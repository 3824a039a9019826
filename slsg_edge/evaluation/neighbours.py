"""How much of a precision's difference is arithmetic, and how much is neighbours that changed.

The golden frames go through each ONNX file twice: as it is, and with its neighbours fixed to those
that the FP32 graph chose for that very frame.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.golden import (
    Difference,
    Golden,
    best_case_threshold,
    difference,
    golden_from,
)
from slsg_edge.bundle.plan import GOLDEN_FILE, MODEL_FILES
from slsg_edge.contracts import GRAPH_OUTPUTS, Answers
from slsg_edge.export.fixed_neighbours import (
    agreement,
    choices_of,
    counterparts,
    with_neighbour_inputs,
    with_neighbour_outputs,
)
from slsg_edge.export.graph import OnnxGraph, graph_from_bytes
from slsg_edge.runtime.golden_check import reference_threshold
from slsg_edge.stages.activations import activations

Neighbours: TypeAlias = Sequence[Mapping[str, NDArray[Any]]]
"""Frame by frame, the indices of neighbours by the tensor that holds them."""


@dataclass(frozen=True, slots=True)
class NeighbourComparison:
    """One file of the bundle with its own neighbours and with those of the FP32 graph.

    file: the ONNX file.
    agreement: the share of its own neighbours that the FP32 graph chose, too.
    free: the difference from the golden answers with its own neighbours.
    fixed: the difference with the neighbours of the FP32 graph.
    """

    file: str
    agreement: float
    free: Difference
    fixed: Difference


def compare_with_fixed_neighbours(bundle: Bundle) -> tuple[NeighbourComparison, ...]:
    """Each file of the bundle but the FP32 one; none for a detector that chooses no neighbours.

    ExportError when the files are not the same network.
    """
    golden = golden_from(bundle.content(GOLDEN_FILE))
    reference = _graph(bundle, MODEL_FILES["fp32"])
    names = choices_of(reference).values()
    if not names:
        return ()
    _, chosen = _run(with_neighbour_outputs(reference), golden, names)
    threshold = reference_threshold(bundle, golden)
    return tuple(
        _compared(file, reference, _graph(bundle, file), golden, chosen, threshold)
        for precision, file in MODEL_FILES.items()
        if precision != "fp32" and bundle.holds(file)
    )


def _graph(bundle: Bundle, file: str) -> OnnxGraph:
    """As a GPU rounds it, where it is not FP32."""
    from slsg_edge.export.emulation import emulated

    stored = bundle.content(file)
    graph = graph_from_bytes(stored.data, stored.path)
    return graph_from_bytes(emulated(graph), stored.path)


def _compared(
    file: str,
    reference: OnnxGraph,
    graph: OnnxGraph,
    golden: Golden,
    chosen: Neighbours,
    threshold: float,
) -> NeighbourComparison:
    """`chosen`: the neighbours of the FP32 graph."""
    names = counterparts(reference, graph)
    fed = [{ours: frame[theirs] for ours, theirs in names.items()} for frame in chosen]
    fixed_answers, _ = _run(with_neighbour_inputs(graph), golden, (), fed)
    free_answers, free_neighbours = _run(with_neighbour_outputs(graph), golden, names)
    shares = [
        agreement(free[name], fixed[name])
        for free, fixed in zip(free_neighbours, fed, strict=True)
        for name in names
    ]
    return NeighbourComparison(
        file,
        float(np.mean(shares)),
        _difference(golden, free_answers, threshold),
        _difference(golden, fixed_answers, threshold),
    )


def _run(
    graph: bytes, golden: Golden, names: Iterable[str], fed: Neighbours = ()
) -> tuple[Answers, Neighbours]:
    """Maps and scores, and the tensors of `names` frame by frame; `fed` are further inputs."""
    wanted = (*GRAPH_OUTPUTS, *names)
    frames = [
        {name: values[name] for name in wanted}
        for values in activations(graph, golden.frames, fed=fed)
    ]
    maps, scores = (np.concatenate([frame[name] for frame in frames]) for name in GRAPH_OUTPUTS)
    return (maps, scores), frames


def _difference(golden: Golden, answers: Answers, threshold: float) -> Difference:
    maps, scores = answers
    judging = best_case_threshold(golden, scores, threshold)
    return difference(golden, maps, scores, threshold, judging)
