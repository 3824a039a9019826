"""The export stage: a trained bundle gets its graph in FP32 and in FP16, proved on golden frames.

The FP32 graph is the reference. How far FP16 is from it shows in a graph that rounds every result
as a GPU does, since ONNX Runtime leaves the rounding out.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle.arrays import DAMAGE, stored_arrays
from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.golden import Difference, Golden, difference
from slsg_edge.bundle.manifest import Manifest
from slsg_edge.bundle.plan import (
    EXPORT_STAGE,
    FRAMES_FILE,
    GOLDEN_FILE,
    MODEL_FILES,
    WEIGHTS_FILE,
)
from slsg_edge.bundle.records import ExportRecord, settings_of
from slsg_edge.bundle.tolerances import Tolerance, tolerance_of
from slsg_edge.data.layouts import good_images
from slsg_edge.data.loading import load_frames
from slsg_edge.errors import BundleError, ConfigError, ExportError
from slsg_edge.machine.versions import tool_versions
from slsg_edge.stages.half import proved_half
from slsg_edge.stages.reference import rounding_of, run_graph, torch_answers, trained_model

if TYPE_CHECKING:
    from slsg_edge.models.scored import PixelsToScore

GOLDEN_FRAMES = 8
# Times what rounding to FP32 costs the network itself: the graph rounds as often, elsewhere.
_ROUNDINGS = 4.0


@dataclass(frozen=True, slots=True)
class ExportedGraph:
    """How far one of the graphs is from torch on the golden frames."""

    difference: Difference
    megabytes: float


@dataclass(frozen=True, slots=True)
class Exported:
    """The new bundle. Of the graph's `nodes` with float tensors, `fp32_nodes` are FP32 in FP16's
    graph too, for `reasons`: how many by each rule.
    """

    bundle: Bundle
    frames: int
    fp32: ExportedGraph
    fp16: ExportedGraph
    nodes: int
    fp32_nodes: tuple[str, ...]
    reasons: Mapping[str, int]

    @property
    def difference(self) -> Difference:
        """Of the reference."""
        return self.fp32.difference


def export_bundle(
    bundle: Bundle,
    *,
    dynamic: bool,
    images: Path | None,
    command: str,
    keep_fp32: Sequence[str] = (),
) -> Exported:
    """Writes the graph in FP32 and FP16, and golden.npz.

    `keep_fp32`: shell patterns of nodes that stay in FP32; ConfigError when one matches nothing.
    ExportError when a graph and the network disagree.
    """
    from slsg_edge.export.graph import PrecisionRules
    from slsg_edge.export.onnx import onnx_from_model

    started = time.monotonic()
    model = trained_model(bundle)
    golden = torch_answers(model, _golden_frames(bundle, images))
    graph = onnx_from_model(
        model,
        bundle.manifest.preprocessing,
        dynamic=dynamic,
        rules=PrecisionRules(model.network.keep_fp32, model.network.keep_fp16),
    )
    off, limit = _proved_reference(golden, graph, bundle, model)
    half, half_off = proved_half(graph, golden, keep_fp32, bundle)
    record = ExportRecord(
        batch="dynamic" if dynamic else 1,
        difference=str(off),
        fp16_difference=str(half_off),
        keep_fp32=tuple(keep_fp32),
        fp32_nodes=tuple(half.kept),
        fp32_reasons=dict(half.reasons()),
    )
    new = bundle.commit(
        EXPORT_STAGE,
        {
            MODEL_FILES["fp32"]: graph,
            MODEL_FILES["fp16"]: half.content,
            GOLDEN_FILE: golden.to_bytes(),
        },
        command=command,
        started=started,
        inputs=(WEIGHTS_FILE, *(() if images else (FRAMES_FILE,))),
        tools=tool_versions("torch", "onnx", "onnxscript", "onnxruntime"),
        settings=settings_of(record),
        update=lambda current: _with_tolerance(current, bundle.manifest, limit),
    )
    return Exported(
        new,
        len(golden.frames),
        ExportedGraph(off, len(graph) / 1e6),
        ExportedGraph(half_off, len(half.content) / 1e6),
        half.nodes,
        tuple(half.kept),
        half.reasons(),
    )


def _with_tolerance(current: Manifest, before: Manifest, limit: Tolerance) -> Manifest:
    """As it is, but where FP32 was allowed more than before."""
    if limit == tolerance_of(before.tolerances, MODEL_FILES["fp32"], "fp32"):
        return current
    return replace(current, tolerances={**current.tolerances, "fp32": limit})


def _golden_frames(bundle: Bundle, images: Path | None) -> NDArray[np.uint8]:
    """Those that training kept, or the first ones of a folder."""
    if images is not None:
        paths: Sequence[Path] = good_images(images)[:GOLDEN_FRAMES]
        return load_frames(paths, bundle.manifest.preprocessing)
    if not bundle.holds(FRAMES_FILE):
        raise ConfigError(
            f"{bundle.path} holds no frames to prove the export with.", fix="Give --images DIR."
        )
    content = bundle.content(FRAMES_FILE)
    try:
        (frames,) = stored_arrays(content.data, ("frames",))
        return np.asarray(frames, dtype=np.uint8)
    except DAMAGE as error:
        raise BundleError(f"{bundle.path}/{FRAMES_FILE} is damaged.", fix="Train again.") from error


def _proved_reference(
    golden: Golden, graph: bytes, bundle: Bundle, model: "PixelsToScore"
) -> tuple[Difference, Tolerance]:
    """With the tolerance of FP32 from now on: what rounding costs the network itself is allowed."""
    stored = bundle.manifest.threshold
    threshold = stored.value if stored else golden.split_threshold()
    off = difference(golden, *run_graph(graph, golden.frames, bundle), threshold)
    limit = tolerance_of(bundle.manifest.tolerances, MODEL_FILES["fp32"], "fp32")
    if not off.beyond(limit):
        return off, limit
    wider = _widened(limit, rounding_of(model, golden, threshold))
    if excesses := off.beyond(wider):
        raise ExportError(
            f"The exported graph is not the trained network: {', '.join(excesses)}.",
            fix="Give other good images with --images DIR; if it fails with these too, report this "
            "with the bundle.",
        )
    return off, wider


def _widened(limit: Tolerance, rounding: Difference | None) -> Tolerance:
    if rounding is None:
        return limit
    return replace(
        limit,
        **{
            name: min(1.0, max(getattr(limit, name), _ROUNDINGS * getattr(rounding, name)))
            for name in ("map_mean", "map_p999", "score")
        },
    )
