"""`slsg-edge compare`: two bundles, or two backends of one, on the same test images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.compare_scores import are_scores, compare_two_scores
from slsg_edge.cli.options import AsJson, PairOfBackends, Verbose, names_in
from slsg_edge.cli.text import first_of, plain_console, say, tell
from slsg_edge.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from slsg_edge.evaluation.paired import PairedEvaluation, Side

LISTED = 5  # images that change verdict: what a screen has room for
MOST_NOTES = 3


def compare(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="BUNDLE [BUNDLE] DATA",
            help="One or two bundles and a data set, or two files of `slsg-edge score`.",
        ),
    ],
    backend: PairOfBackends = None,
    frames: Annotated[
        int, typer.Option(metavar="N", min=0, help="Measure the latency on so many; 0: do not.")
    ] = 40,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Write a page with what changes verdict."),
    ] = None,
    archive: Annotated[
        str | None, typer.Option(metavar="ARCHIVE", help="Of files of scores: what was scored.")
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jpg", help="Of files of scores: the pictures that change verdict."
        ),
    ] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Compare two bundles, backends or precisions on the same labelled test images.

    Exit code 1 when an image changes verdict, 0 when none does.
    """
    import json

    from slsg_edge.progress import progress
    from slsg_edge.reports.from_comparison import compare_on, comparison_summary
    from slsg_edge.reports.place import require_place

    if are_scores(paths):
        if compare_two_scores(paths, archive, sheet, as_json=as_json, verbose=verbose):
            raise typer.Exit(1)
        return
    require_place(report)
    *bundles, data = paths
    sides = _sides(bundles, backend)
    for side in sides:
        say(f"{side.name}: {side.choice}")
    comparison = compare_on(data, sides, frames, report, progress)
    if as_json:
        tell(json.dumps(comparison_summary(comparison)))
    else:
        _print(comparison, verbose)
    if comparison.changed:
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


def _print(comparison: "PairedEvaluation", verbose: bool) -> None:
    """Which one to take and why, on one screen; all figures where they are wanted."""
    from slsg_edge.reports.from_comparison import lead_of

    console = plain_console()
    notes = [f"note: {note}" for note in comparison.notes]
    for text in (
        *_verdicts(comparison),
        lead_of(comparison),
        *first_of(_changed(comparison), LISTED, verbose, "images"),
        *first_of(notes, MOST_NOTES, verbose, "notes"),
    ):
        console.print(text, soft_wrap=True)
    if comparison.latency:
        console.print(_latency(comparison))
    if verbose:
        console.print(_figures(comparison))
    else:
        console.print("-v shows every figure, --report all images that change verdict.")


def _verdicts(comparison: "PairedEvaluation") -> "list[Text]":
    """What both miss and reject, which one to take, and what speaks against all of it."""
    from rich.text import Text

    from slsg_edge.evaluation.contest import contest_of

    contest = contest_of(comparison)
    styles = {"better": "green", "worse": "red"}
    lines = [Text(f"{' -> '.join(comparison.names)}:")]
    for line in contest.lines:
        verdict = Text(line.verdict, styles.get(line.mark, ""))
        ranges = " -> ".join(line.ranges)
        lines.append(Text.assemble(f"  {line.what}: {line.change}: ", verdict, f" ({ranges})"))
    judged = contest.first, contest.second
    for name, judgement in zip(comparison.names, judged, strict=True):
        lines.append(Text(f"  {name} is {judgement.state}: {judgement.reason}"))
    lines += [Text(f"warning: {warning}") for warning in comparison.warnings]
    return [*lines, Text(contest.recommendation, "bold")]


def _figures(comparison: "PairedEvaluation") -> "Table":
    from rich.table import Table

    from slsg_edge.reports.comparison_page import difference_text
    from slsg_edge.reports.from_comparison import labelled_changes

    table = Table(
        "figure", *comparison.names, "difference (95 % interval)", box=None, pad_edge=False
    )
    for label, change in labelled_changes(comparison, headlines=True).items():
        values = f"{change.first:.4f}", f"{change.second:.4f}"
        table.add_row(label, *values, difference_text(change))
    return table


def _latency(comparison: "PairedEvaluation") -> "Table":
    from rich.table import Table

    from slsg_edge.reports.comparison_page import LATENCY_HEADS
    from slsg_edge.reports.from_comparison import latency_rows

    table = Table(*LATENCY_HEADS, box=None, pad_edge=False)
    for row in latency_rows(comparison):
        table.add_row(*row)
    return table


def _changed(comparison: "PairedEvaluation") -> list[str]:
    """A line for each image that changes verdict."""
    from slsg_edge.reports.from_comparison import changed_rows

    rows = changed_rows(comparison)
    return [f"  {effect}: {name}: {first} -> {second}" for name, effect, first, second in rows]
