"""`slsg-edge compare`: two bundles, or two backends of one, on the same test images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson, names_in
from slsg_edge.cli.text import plain_console, say
from slsg_edge.errors import ConfigError

if TYPE_CHECKING:
    from slsg_edge.evaluation.paired import PairedEvaluation, Side

LISTED = 20  # images that change verdict; --json and the page have all


def compare(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="BUNDLE [BUNDLE] DATA", help="One or two bundles, a data set."),
    ],
    backend: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME]",
            help="What runs the models: one for both, or one for each. With a single bundle two, "
            "as in onnxruntime-fp32,openvino-int8.",
        ),
    ] = None,
    frames: Annotated[
        int, typer.Option(metavar="N", min=0, help="Measure the latency on so many; 0: do not.")
    ] = 40,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Write a page with what changes verdict."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two bundles, backends or precisions on the same labelled test images.

    Exit code 1 when an image changes verdict, 0 when none does.
    """
    import json

    from slsg_edge.data.layouts import read_dataset
    from slsg_edge.evaluation.paired import compare_detectors, open_sides
    from slsg_edge.progress import progress
    from slsg_edge.reports.from_comparison import comparison_summary, write_comparison_report

    *bundles, data = paths
    sides = _sides(bundles, backend)
    for side in sides:
        say(f"{side.name}: {side.choice}")
    dataset = read_dataset(data)
    with open_sides(sides) as both:
        found = compare_detectors(both, dataset, frames, progress)
        if report:
            write_comparison_report(report, data, found, sides, both, progress)
    if as_json:
        typer.echo(json.dumps(comparison_summary(found)))
    else:
        _print(found)
    if found.changed:
        raise typer.Exit(1)


def _sides(bundles: list[Path], backend: str | None) -> "tuple[Side, Side]":
    from slsg_edge.bundle.folder import open_bundle
    from slsg_edge.evaluation.paired import sides_of
    from slsg_edge.runtime.detector import choose

    names = names_in(backend)
    if not 1 <= len(bundles) <= 2 or len(names) > 2:
        raise ConfigError(
            f"A comparison has two sides, not {max(len(bundles), len(names))}.",
            fix="Give one or two bundles and then the data set: A.slsg B.slsg DATA.",
        )
    opened = [open_bundle(path) for path in bundles]
    wanted: list[str | None] = [*names] if names else [None]
    pairs = zip(opened * (3 - len(opened)), wanted * (3 - len(wanted)), strict=True)
    return sides_of([(bundle, choose(bundle, name)) for bundle, name in pairs])


def _print(found: "PairedEvaluation") -> None:
    from rich.table import Table

    from slsg_edge.reports.comparison_page import LATENCY_HEADS, difference_text
    from slsg_edge.reports.from_comparison import (
        changed_rows,
        labelled_changes,
        latency_rows,
        lead_of,
    )

    console = plain_console()
    first, second = found.names
    table = Table("figure", first, second, "difference (95 % interval)")
    for label, change in labelled_changes(found, headlines=True).items():
        values = f"{change.first:.4f}", f"{change.second:.4f}"
        table.add_row(label, *values, difference_text(change))
    console.print(table)
    latency = latency_rows(found)
    if latency:
        times = Table(*LATENCY_HEADS)
        for row in latency:
            times.add_row(*row)
        console.print(times)
    console.print(lead_of(found), soft_wrap=True)
    changed = changed_rows(found)
    for name, effect, before, after in changed[:LISTED]:
        console.print(f"  {effect}: {name}: {before} -> {after}", soft_wrap=True)
    if len(changed) > LISTED:
        console.print(f"  and {len(changed) - LISTED} more: --json or --report shows all")
    for text in found.notes:
        console.print(f"note: {text}", soft_wrap=True)
