"""`slsg-edge eval`: test images through the exported model, and how well it told them apart."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson, Backend
from slsg_edge.cli.text import plain_console

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
    from slsg_edge.data.layouts import read_dataset
    from slsg_edge.data.survey.survey import survey
    from slsg_edge.evaluation.evaluate import evaluate_bundle, summary_of
    from slsg_edge.progress import progress
    from slsg_edge.reports.from_evaluation import report_page
    from slsg_edge.runtime.detector import choose
    from slsg_edge.storage import write_atomically

    opened = open_bundle(bundle)
    choice = choose(opened, backend)
    typer.echo(str(choice), err=True)
    evaluation = evaluate_bundle(opened, data, choice, for_report=report is not None)
    if report:
        findings = survey(read_dataset(data), progress).findings
        title = f"{opened.path.stem} on {data.name}"
        page = report_page(title, opened, evaluation, choice, findings)
        # names of files may be no UTF-8
        write_atomically(report, page.encode("utf-8", "backslashreplace"))
    if as_json:
        typer.echo(json.dumps({"backend": choice.backend, **summary_of(evaluation)}))
    else:
        _print(evaluation)


def _print(evaluation: "Evaluation") -> None:
    from rich.table import Table

    from slsg_edge.reports.from_evaluation import figures_of

    console = plain_console()
    table = Table("figure", "value (95 % interval)")
    for name, value in figures_of(evaluation).items():
        table.add_row(name, value)
    console.print(table)
    for text in evaluation.notes:
        console.print(f"note: {text}", soft_wrap=True)
