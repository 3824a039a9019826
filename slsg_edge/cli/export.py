"""`slsg-edge export`: the trained network as one proved ONNX graph."""

import json
import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer


def export(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A trained bundle.")],
    batch: Annotated[
        Literal["1", "dynamic"], typer.Option(help="Frames that the graph takes at a time.")
    ] = "1",
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Good images as golden frames; else those of training."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write the graph from pixels to score, proved against the trained network."""
    from slsg_edge.bundle import open_bundle
    from slsg_edge.exporting import export_bundle

    words = ["slsg-edge", "export", str(bundle), "--batch", batch]
    command = shlex.join(words + (["--images", str(images)] if images else []))
    done = export_bundle(
        open_bundle(bundle), dynamic=batch == "dynamic", images=images, command=command
    )
    if as_json:
        off = done.difference
        typer.echo(
            json.dumps(
                {
                    "model": str(bundle / "model.onnx"),
                    "megabytes": done.megabytes,
                    "golden_frames": done.frames,
                    "map_mean": off.map_mean,
                    "map_p999": off.map_p999,
                    "score": off.score,
                    "verdicts_changed": off.verdicts,
                }
            )
        )
        return
    typer.echo(f"{bundle / 'model.onnx'}: {done.megabytes:.1f} MB")
    typer.echo(f"ONNX Runtime against torch on {done.frames} golden frames: {done.difference}")
    typer.echo(f"next: slsg-edge calibrate {bundle} --images DIR")
