"""How much of a precision's difference is arithmetic, and how much is neighbours that changed.

The golden frames go through each ONNX file twice: as it is, and told the neighbours that the FP32
graph chose for that very frame.
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
    difference,
    golden_from_file,
    kindest_threshold,
)
from slsg_edge.bundle.plan import GOLDEN_FILE, MODEL_FILES
from slsg_edge.contracts import GRAPH_OUTPUTS, Answers
from slsg_edge.evaluation.verify import reference_threshold
from slsg_edge.export.frozen import agreement, choices_of, counterparts, telling, told
from slsg_edge.export.graph import Graph, graph_from_bytes
from slsg_edge.stages.activations import activations

Told: TypeAlias = Sequence[Mapping[str, NDArray[Any]]]
"""Frame by frame, indices of neighbours by the tensor of the FP32 graph that holds them."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """`free` with its own neighbours, `frozen` with the reference's; `agreement` is the share of
    its own that are the reference's too.
    """

    file: str
    agreement: float
    free: Difference
    frozen: Difference


def freeze_neighbours(bundle: Bundle) -> tuple[Frozen, ...]:
    """Each file of the bundle but the FP32 one; none for a detector that chooses no neighbours.

    ExportError when the files are not the same network.
    """
    golden = golden_from_file(bundle.file(GOLDEN_FILE))
    reference = _graph(bundle, MODEL_FILES["fp32"])
    names = choices_of(reference).values()
    if not names:
        return ()
    chosen = [
        {name: values[name] for name in names}
        for values in activations(telling(reference), golden.frames)
    ]
    threshold = reference_threshold(bundle, golden)
    return tuple(
        _frozen(file, reference, _graph(bundle, file), golden, chosen, threshold)
        for precision, file in MODEL_FILES.items()
        if precision != "fp32" and bundle.holds(file)
    )


def _graph(bundle: Bundle, file: str) -> Graph:
    """As a GPU rounds it, where it is not FP32."""
    from slsg_edge.export.emulation import emulated

    path = bundle.file(file)
    return graph_from_bytes(emulated(graph_from_bytes(path.read_bytes(), path)), path)


def _frozen(
    file: str, reference: Graph, graph: Graph, golden: Golden, chosen: Told, threshold: float
) -> Frozen:
    names = counterparts(reference, graph)
    fed = [{own: frame[theirs] for own, theirs in names.items()} for frame in chosen]
    told_answers, _ = _run(told(graph), golden, (), fed)
    free_answers, own = _run(telling(graph), golden, names, ())
    shares = [
        agreement(mine[name], frame[name])
        for mine, frame in zip(own, fed, strict=True)
        for name in names
    ]
    return Frozen(
        file,
        float(np.mean(shares)),
        _difference(golden, free_answers, threshold),
        _difference(golden, told_answers, threshold),
    )


def _run(graph: bytes, golden: Golden, names: Iterable[str], fed: Told) -> tuple[Answers, Told]:
    """Maps and scores, and the tensors of `names` frame by frame."""
    wanted = (*GRAPH_OUTPUTS, *names)
    frames = [
        {name: values[name] for name in wanted}
        for values in activations(graph, golden.frames, fed=fed)
    ]
    maps, scores = (np.concatenate([frame[name] for frame in frames]) for name in GRAPH_OUTPUTS)
    return (maps, scores), frames


def _difference(golden: Golden, answers: Answers, threshold: float) -> Difference:
    maps, scores = answers
    return difference(golden, maps, scores, threshold, kindest_threshold(golden, scores, threshold))
