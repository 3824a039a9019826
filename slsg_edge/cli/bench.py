"""`slsg-edge bench`: what a frame costs on this machine, stage by stage."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from slsg_edge.benchmarking import Benchmark
    from slsg_edge.bundle import Bundle

TARGET = 1.10  # loop to bare model: what everything around the model may cost


def bench(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="An exported bundle.")],
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Images as the camera gives them; default: golden.npz."),
    ] = None,
    frames: Annotated[int, typer.Option(metavar="N", min=1, help="How many to measure.")] = 100,
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="CPU threads; default: one per core.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure decode, resize, inference, score and verdict, and the loop against the model."""
    import json
    from dataclasses import asdict

    from slsg_edge.bundle import open_bundle

    result = _measure(open_bundle(bundle), images, frames, threads)
    if as_json:
        typer.echo(json.dumps(asdict(result)))
    else:
        _print(result, golden=images is None)


def _measure(
    bundle: "Bundle", images: Path | None, frames: int, threads: int | None
) -> "Benchmark":
    from contextlib import closing

    from slsg_edge.benchmarking import PAIRS, benchmark
    from slsg_edge.progress import progress
    from slsg_edge.runtime.detector import open_detector
    from slsg_edge.scoring import Threshold

    if images is None:
        bundle = _whole_frame(bundle)
    threshold = bundle.manifest.threshold or Threshold(0.5, "manual")
    with (
        _paths(bundle, images) as paths,
        closing(open_detector(bundle, threads=threads)) as detector,
        progress("frames", frames + PAIRS) as advance,
    ):
        spec = bundle.manifest.preprocessing
        return benchmark(detector, paths, spec, threshold, frames, advance)


def _whole_frame(bundle: "Bundle") -> "Bundle":
    """Golden frames are cut and resized already, so there is no region left to cut."""
    manifest = bundle.manifest
    whole = replace(manifest.preprocessing, roi=None)
    return replace(bundle, manifest=replace(manifest, preprocessing=whole))


@contextmanager
def _paths(bundle: "Bundle", images: Path | None) -> Iterator[list[Path]]:
    """Image files: those of the user, or the golden frames in a folder that goes away again."""
    import tempfile

    from slsg_edge.benchmarking import golden_frames, write_frames
    from slsg_edge.line.files import images_in

    if images is not None:
        yield images_in(images)
        return
    frames = golden_frames(bundle.file("golden.npz"))
    with tempfile.TemporaryDirectory() as folder:
        yield write_frames(frames, Path(folder))


def _print(result: "Benchmark", golden: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table("stage", "median ms", "p95 ms")
    for timing in result.stages:
        table.add_row(timing.stage, f"{timing.median:.3f}", f"{timing.p95:.3f}")
    console.print(table)
    verdict = "within" if result.ratio <= TARGET else "above"
    versions = ", ".join(f"{name} {text}" for name, text in result.machine.versions.items())
    for line in (
        f"loop {result.loop_ms:.2f} ms, model alone {result.bare_ms:.2f} ms per frame: "
        f"ratio {result.ratio:.3f}, {verdict} {TARGET:.2f}",
        f"{1000 / result.loop_ms:.1f} frames/s, peak memory {result.peak_mb:.0f} MB",
        f"synthesis at 256x256: {result.anomalies_per_second:.0f} pairs/s per core",
        f"{result.detector} on {result.machine.cpu}, {result.machine.cores} cores, "
        f"{result.machine.system}",
        versions,
    ):
        console.print(line, markup=False, soft_wrap=True)
    if golden:
        console.print("note: golden frames are at model resolution; --images shows a camera's")
