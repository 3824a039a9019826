"""`slsg-edge eval`: test images through the exported model, and how well it told them apart."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson, Backend
from slsg_edge.cli.text import plain_console, say

if TYPE_CHECKING:
    from slsg_edge.evaluation.evaluate import Evaluation


def eval_command(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="An exported bundle.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A data set with test images.")],
    backend: Backend = None,
    as_json: AsJson = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page with heat maps.")
    ] = None,
) -> None:
    """Measure a bundle on labelled test images."""
    import json

    from slsg_edge.bundle.folder import open_bundle
    from slsg_edge.evaluation.evaluate import evaluate_bundle, summary_of
    from slsg_edge.reports.from_evaluation import write_evaluation_report
    from slsg_edge.runtime.detector import choose

    opened = open_bundle(bundle)
    choice = choose(opened, backend)
    say(str(choice))
    evaluation = evaluate_bundle(opened, data, choice, for_report=report is not None)
    if report:
        write_evaluation_report(report, opened, data, evaluation, choice)
    if as_json:
        typer.echo(json.dumps({"backend": choice.backend, **summary_of(evaluation)}))
    else:
        _print(evaluation)


def _print(evaluation: "Evaluation") -> None:
    from rich.table import Table

    from slsg_edge.reports.from_evaluation import figure_texts

    console = plain_console()
    table = Table("figure", "value (95 % interval)")
    for name, value in figure_texts(evaluation).items():
        table.add_row(name, value)
    console.print(table)
    for text in evaluation.notes:
        console.print(f"note: {text}", soft_wrap=True)
