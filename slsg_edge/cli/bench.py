"""`slsg-edge bench`: what a frame costs on this machine, stage by stage."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import (
    AsJson,
    Backends,
    Threads,
    Verbose,
    names_in,
    require_cpu_backend,
)
from slsg_edge.cli.text import plain_console, say, tell
from slsg_edge.errors import ConfigError

if TYPE_CHECKING:
    from slsg_edge.bench.frame import Benchmark
    from slsg_edge.bench.race import LatencyComparison
    from slsg_edge.bundle.folder import Bundle
    from slsg_edge.runtime.detector import BackendChoice

TARGET = 1.10  # loop to bare model: what everything around the model may cost


def bench(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="An exported bundle.")],
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Images as the camera gives them; default: golden.npz."),
    ] = None,
    frames: Annotated[int, typer.Option(metavar="N", min=1, help="How many to measure.")] = 100,
    threads: Threads = None,
    backend: Backends = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Measure decode, resize, inference, score and verdict, and the loop against the model.

    With several backends: each of them on the same frames in turn, and how they compare.
    """
    import json
    from dataclasses import asdict

    from slsg_edge.bundle.folder import open_bundle
    from slsg_edge.bundle.region import with_region

    opened = open_bundle(bundle)
    if images is None:
        # golden frames are cut and resized already
        opened = with_region(opened, None)
    choices = _choices(opened, backend, threads)
    for choice in choices:
        say(str(choice))
    if len(choices) > 1:
        comparison = _compare(opened, choices, images, frames, threads)
        tell(json.dumps(asdict(comparison))) if as_json else _print_comparison(comparison)
        return
    result = _measure(opened, choices[0], images, frames, threads)
    if as_json:
        reason = choices[0].reason
        tell(json.dumps({**asdict(result), "backend": choices[0].backend, "reason": reason}))
    else:
        _print(result, verbose, golden=images is None)


def _choices(bundle: "Bundle", backend: str | None, threads: int | None) -> "list[BackendChoice]":
    """What --backend names, or the best; ConfigError for what makes no sense together."""
    from slsg_edge.runtime.detector import choose

    names: list[str | None] = [*names_in(backend)] or [None]
    choices = [choose(bundle, name) for name in names]
    if len({choice.backend for choice in choices}) < len(choices):
        raise ConfigError(f"'{backend}' names one backend twice.", fix="Name different ones.")
    require_cpu_backend((choice.backend for choice in choices), threads)
    return choices


def _measure(
    bundle: "Bundle", choice: "BackendChoice", images: Path | None, frames: int, threads: int | None
) -> "Benchmark":
    from slsg_edge.bench.frame import PAIRS, benchmark
    from slsg_edge.progress import progress
    from slsg_edge.runtime.detector import open_choice
    from slsg_edge.scoring import Threshold

    # the time that a verdict takes does not depend on it
    threshold = bundle.manifest.threshold or Threshold(0.5, "manual")
    with (
        _paths(bundle, images) as paths,
        closing(open_choice(bundle, choice, threads)) as detector,
        progress("frames", frames + PAIRS) as advance,
    ):
        spec = bundle.manifest.preprocessing
        return benchmark(
            detector, paths, spec, threshold, frames, advance, bundle.manifest.detector
        )


def _compare(
    bundle: "Bundle",
    choices: "list[BackendChoice]",
    images: Path | None,
    frames: int,
    threads: int | None,
) -> "LatencyComparison":
    import numpy as np

    from slsg_edge.bench.race import compare_latency, rounds_of
    from slsg_edge.images import read_image
    from slsg_edge.preprocessing import prepare
    from slsg_edge.progress import progress
    from slsg_edge.runtime.detector import open_choice

    with _paths(bundle, images) as paths, ExitStack() as stack:
        spec = bundle.manifest.preprocessing
        photos = (read_image(path, spec.depth) for path in paths[:frames])
        prepared = np.stack([prepare(photo, spec) for photo in photos])
        detectors = {
            choice.backend: stack.enter_context(closing(open_choice(bundle, choice, threads)))
            for choice in choices
        }
        with progress("rounds", rounds_of(frames)) as advance:
            return compare_latency(detectors, dict.fromkeys(detectors, prepared), frames, advance)


@contextmanager
def _paths(bundle: "Bundle", images: Path | None) -> Iterator[list[Path]]:
    """Image files: those of the user, or the golden frames in a folder that goes away again."""
    from slsg_edge.bench.frame import write_frames
    from slsg_edge.bundle.golden import golden_from
    from slsg_edge.bundle.plan import GOLDEN_FILE
    from slsg_edge.line.sources.files import images_in
    from slsg_edge.storage import temporary_folder

    if images is not None:
        yield images_in(images)
        return
    frames = golden_from(bundle.content(GOLDEN_FILE)).frames
    with temporary_folder() as folder:
        yield write_frames(frames, folder)


def _print(result: "Benchmark", verbose: bool, golden: bool) -> None:
    """How many parts it takes first, then where the time goes."""
    from rich.table import Table

    console = plain_console()
    machine = result.machine
    ms = result.loop_ms
    where = f"{result.detector} on {machine.cpu}, {machine.cores} cores, {machine.system}"
    console.print(f"{_pace(ms)}, {ms:.2f} ms a part, with {result.peak_mb:.0f} MB of memory")
    console.print(where, soft_wrap=True)
    table = Table("stage", "median ms", "p95 ms", box=None, pad_edge=False)
    for timing in result.stages:
        table.add_row(timing.stage, f"{timing.median:.3f}", f"{timing.p95:.3f}")
    console.print(table)
    verdict = "within" if result.ratio <= TARGET else "above"
    versions = ", ".join(f"{name} {text}" for name, text in machine.versions.items())
    for line in (
        f"loop {ms:.2f} ms, model alone {result.bare_ms:.2f} ms per frame: "
        f"ratio {result.ratio:.3f}, {verdict} {TARGET:.2f}",
        *((versions, _synthesis(result)) if verbose else ()),
    ):
        console.print(line, soft_wrap=True)
    if golden:
        console.print("note: golden frames are at model resolution; --images shows a camera's")


def _pace(ms: float) -> str:
    return f"{1000 / ms:.3g} parts a second, {60_000 / ms:.3g} parts a minute"


def _synthesis(result: "Benchmark") -> str:
    """Of use to who trains alone."""
    cut_paste = f"cut-paste {result.cut_paste_per_second:.0f}"
    own = result.anomalies_per_second
    rates = cut_paste if own is None else f"this detector's {own:.0f}, {cut_paste}"
    return f"simulated anomalies at 256x256, for training alone: {rates} pairs/s per core"


def _print_comparison(comparison: "LatencyComparison") -> None:
    from rich.table import Table

    console = plain_console()
    first = comparison.backends[0].backend
    fastest = min(comparison.backends, key=lambda found: found.median)
    console.print(f"{fastest.backend} is the fastest: {_pace(fastest.median)}", soft_wrap=True)
    heads = ("backend", "median ms", "p95 ms", f"times as fast as {first}")
    table = Table(*heads, box=None, pad_edge=False)
    for found in comparison.backends:
        row = (found.median, found.p95, found.speedup)
        table.add_row(found.backend, *(f"{number:.2f}" for number in row))
    console.print(table)
    machine = comparison.machine
    for line in (
        f"{comparison.frames} frames each, in turn; {machine.cpu}, {machine.cores} cores",
        ", ".join(f"{name} {text}" for name, text in machine.versions.items()),
    ):
        console.print(line, soft_wrap=True)
