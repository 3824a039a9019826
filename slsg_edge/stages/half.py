"""The graph in FP16, proved: more of it stays in FP32 until the proof holds."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.golden import Difference, Golden, difference
from slsg_edge.bundle.plan import MODEL_FILES
from slsg_edge.bundle.tolerances import tolerance_of
from slsg_edge.errors import ExportError
from slsg_edge.stages.reference import run_graph

if TYPE_CHECKING:
    from slsg_edge.export.graph import OnnxGraph
    from slsg_edge.export.precision import HalfGraph
    from slsg_edge.export.rounding import ValueRange


def proved_half(
    graph: bytes, golden: Golden, keep_fp32: Sequence[str], bundle: Bundle
) -> tuple["HalfGraph", Difference]:
    """ExportError when not even the whole graph in FP32 is within FP16's tolerance."""
    from slsg_edge.export.graph import graph_from_bytes
    from slsg_edge.export.precision import half_graph, widenings

    reference = graph_from_bytes(graph)
    ranges = _ranges(reference, golden.frames)
    limit = tolerance_of(bundle.manifest.tolerances, MODEL_FILES["fp16"], "fp16")
    excesses: tuple[str, ...] = ()
    for more in ({}, *widenings(reference)):
        half = half_graph(reference, ranges, keep_fp32, more)
        off = _off(golden, half.content, bundle)
        found = off.beyond(limit)
        if not found:
            return half, off
        excesses = excesses or found
    raise ExportError(
        f"In FP16 the graph is not the trained network, nor with all of it in FP32: "
        f"{', '.join(excesses)}.",
        fix=f"Loosen 'fp16' under 'tolerances' in {bundle.path}/manifest.json: it leaves less than "
        "FP32 itself needs.",
    )


def _ranges(reference: "OnnxGraph", frames: NDArray[np.uint8]) -> "Mapping[str, ValueRange]":
    from slsg_edge.export.graph import with_outputs
    from slsg_edge.export.rounding import activation_ranges
    from slsg_edge.stages.activations import activations

    probe = with_outputs(reference, reference.activations())
    return activation_ranges(activations(probe, frames))


def _off(golden: Golden, half: bytes, bundle: Bundle) -> Difference:
    """Verdicts at the widest gap: a score beside the threshold is for `calibrate` to settle."""
    from slsg_edge.export.emulation import emulated
    from slsg_edge.export.graph import graph_from_bytes

    answers = run_graph(emulated(graph_from_bytes(half)), golden.frames, bundle)
    return difference(golden, *answers, golden.split_threshold())
