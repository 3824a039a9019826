"""`slsg-edge eval`: test images through the exported model, and how well it told them apart."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from slsg_edge.bundle import Bundle
    from slsg_edge.evaluation import Evaluation
    from slsg_edge.scoring import Threshold


def eval_command(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="An exported bundle.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A data set with test images.")],
    backend: Annotated[
        str | None, typer.Option(metavar="NAME", help="What runs the model.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page with heat maps.")
    ] = None,
) -> None:
    """Measure a bundle on labelled test images."""
    import json

    from slsg_edge.bundle import open_bundle
    from slsg_edge.calibration.stored import threshold_of
    from slsg_edge.evaluation import evaluate_bundle, summary_of

    opened = open_bundle(bundle)
    # a report shows verdicts, so it cannot do without a fresh threshold
    threshold, note = (threshold_of(opened), None) if report else _threshold(opened)
    evaluation = evaluate_bundle(opened, data, threshold, backend, keep_maps=report is not None)
    if report:
        _write_report(opened, evaluation, data, report)
    if as_json:
        summary = summary_of(evaluation)
        typer.echo(json.dumps(summary | {"notes": [*evaluation.notes, *filter(None, [note])]}))
    else:
        _print(evaluation, note)


def _threshold(bundle: "Bundle") -> "tuple[Threshold | None, str | None]":
    """The rankings need no threshold, so none is no error here but a note."""
    from slsg_edge.calibration.stored import threshold_of
    from slsg_edge.errors import BundleError

    try:
        return threshold_of(bundle), None
    except BundleError as error:
        return None, f"No false alarms and misses: {error}"


def _write_report(bundle: "Bundle", evaluation: "Evaluation", data: Path, path: Path) -> None:
    from slsg_edge.cases import report_page
    from slsg_edge.storage import write_atomically

    title = f"{bundle.path.stem} on {data.name}"
    write_atomically(path, report_page(title, bundle, evaluation).encode())


def _print(evaluation: "Evaluation", note: str | None) -> None:
    from rich.console import Console
    from rich.table import Table

    from slsg_edge.cases import figures_of

    console = Console(highlight=False)
    table = Table("figure", "value")
    for name, value in figures_of(evaluation).items():
        table.add_row(name, value)
    console.print(table)
    for text in filter(None, (note, *evaluation.notes)):
        console.print(f"note: {text}", markup=False, soft_wrap=True)
