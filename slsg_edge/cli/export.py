"""`slsg-edge export`: the trained network as one proved ONNX graph, in FP32 and in FP16."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from slsg_edge.bundle.commands import recorded_command
from slsg_edge.cli.text import tell
from slsg_edge.cli.trust_options import note_change

if TYPE_CHECKING:
    from slsg_edge.bundle.folder import Bundle
    from slsg_edge.contracts import Json, Precision
    from slsg_edge.stages.export import Exported, ExportedGraph


def export(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A trained bundle.")],
    batch: Annotated[
        Literal["1", "dynamic"], typer.Option(help="Frames that the graph takes at a time.")
    ] = "1",
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Good images as golden frames; else those of training."),
    ] = None,
    keep_fp32: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Nodes that stay in FP32 in the FP16 graph, as 'network.decoder*'; repeatable.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write the graph from pixels to score in FP32 and FP16, proved against the trained network."""
    from slsg_edge.bundle.folder import open_bundle
    from slsg_edge.stages.export import export_bundle

    command = recorded_command(
        "export", {"--batch": batch, "--images": images, "--keep-fp32": keep_fp32}
    )
    done = export_bundle(
        open_bundle(bundle),
        dynamic=batch == "dynamic",
        images=images,
        command=command,
        keep_fp32=keep_fp32 or (),
    )
    tell(json.dumps(_table(done)) if as_json else _text(done))
    note_change(bundle, "export")


def _table(done: "Exported") -> "dict[str, Json]":
    return {
        "golden_frames": done.frames,
        "fp32": _graph_table(done.bundle, "fp32", done.fp32),
        "fp16": {
            **_graph_table(done.bundle, "fp16", done.fp16),
            "nodes": done.nodes,
            "fp32_nodes": list(done.fp32_nodes),
            "fp32_reasons": dict(done.reasons),
        },
    }


def _graph_table(
    bundle: "Bundle", precision: "Precision", graph: "ExportedGraph"
) -> "dict[str, Json]":
    from slsg_edge.bundle.plan import MODEL_FILES

    off = graph.difference
    return {
        "model": str(bundle.path / MODEL_FILES[precision]),
        "megabytes": graph.megabytes,
        "map_mean": off.map_mean,
        "map_p999": off.map_p999,
        "score": off.score,
        "verdicts_changed": off.verdicts,
    }


def _text(done: "Exported") -> str:
    from slsg_edge.bundle.plan import MODEL_FILES
    from slsg_edge.bundle.thresholds import calibration_command

    path = done.bundle.path
    reasons = ", ".join(f"{rule} {count}" for rule, count in done.reasons.items())
    kept = done.reasons.get("the proof")
    note = (
        f"note: FP16 was off by more than it may be, so {kept} more nodes stay in FP32, "
        f"and it is less quick\n"
        if kept
        else ""
    )
    changed = done.fp32.difference.verdicts + done.fp16.difference.verdicts
    return (
        f"export ok: {path} has its graph in FP32 and FP16; on {done.frames} golden frames "
        f"{changed} verdicts changed\n"
        f"FP32: {path / MODEL_FILES['fp32']}, {done.fp32.megabytes:.1f} MB; against the trained "
        f"network {_distance(done.fp32)}\n"
        f"FP16: {path / MODEL_FILES['fp16']}, {done.fp16.megabytes:.1f} MB; against the trained "
        f"network {_distance(done.fp16)}\n"
        f"{len(done.fp32_nodes)} of {done.nodes} nodes stay in FP32 ({reasons})\n"
        f"{note}next: {calibration_command(done.bundle, None)}"
    )


def _distance(graph: "ExportedGraph") -> str:
    """Map and score run from 0 to 1."""
    off = graph.difference
    return f"scores move by at most {off.score:.1e}, maps by {off.map_mean:.1e} on average"
