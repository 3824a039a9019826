"""`slsg-edge eval`: test images through the exported model, and how well it told them apart."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson, Backend, Verbose
from slsg_edge.cli.text import first_of, plain_console, say, shortened, tell
from slsg_edge.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from slsg_edge.evaluation.evaluate import Evaluation
    from slsg_edge.evaluation.next_step import Step
    from slsg_edge.evaluation.verdicts import Judgement

PICTURES = (".jpg", ".jpeg", ".png")
MOST_ROWS, MOST_KINDS, MOST_NOTES = 5, 6, 3  # of a screen


def eval_command(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="An exported bundle.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A data set with test images.")],
    backend: Backend = None,
    as_json: AsJson = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page with heat maps.")
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jpg", help="Write some images with heat map and verdict."),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Say what a bundle misses and rejects on labelled test images, and what to do next.

    With good photos only, those that are held out and anomalies simulated in them are tested.
    Exit code 1 when it misses more than half of the real defects, 0 otherwise.
    """
    import json

    from slsg_edge.bundle.folder import open_bundle
    from slsg_edge.data.inputs import require_outside
    from slsg_edge.evaluation.evaluate import evaluate_dataset
    from slsg_edge.evaluation.good_only import open_evaluation_set
    from slsg_edge.evaluation.next_step import Setup, next_step
    from slsg_edge.evaluation.summary import summary_of
    from slsg_edge.progress import progress
    from slsg_edge.reports.from_evaluation import write_evaluation_report
    from slsg_edge.reports.place import require_place
    from slsg_edge.reports.verdict_sheet import write_verdict_sheet
    from slsg_edge.runtime.detector import choose

    require_place(report)
    require_place(sheet)
    _require_picture(sheet)
    if sheet:
        require_outside(data, "--sheet", sheet)
    opened = open_bundle(bundle)
    choice = choose(opened, backend)
    say(str(choice))
    with open_evaluation_set(opened, data, progress) as tested:
        evaluation = evaluate_dataset(
            opened,
            tested.dataset,
            choice,
            for_report=report is not None,
            simulated=tested.simulated,
            left_out=tested.left_out,
        )
        if report:
            write_evaluation_report(report, opened, data, evaluation, choice)
        if sheet:
            write_verdict_sheet(sheet, opened, evaluation, choice)
    judgement = evaluation.judgement
    setup = Setup(opened, choice.backend, evaluation.judged_by, data)
    step = next_step(judgement, evaluation.rows, setup)
    if as_json:
        tell(json.dumps({"backend": choice.backend, **summary_of(evaluation, step)}))
    else:
        _print(evaluation, judgement, step, verbose)
    if judgement.failed:
        raise typer.Exit(1)


def _require_picture(sheet: Path | None) -> None:
    if sheet is not None and sheet.suffix.lower() not in PICTURES:
        raise ConfigError(
            f"--sheet {sheet} is no name of a picture.", fix="Let it end in .jpg or .png."
        )


def _print(evaluation: "Evaluation", judgement: "Judgement", step: "Step", verbose: bool) -> None:
    """What matters on the line first, on one screen; all metrics where they are wanted."""
    console = plain_console()
    _print_verdict(console, judgement, step)
    if evaluation.simulated:
        console.print(evaluation.simulated, soft_wrap=True)
    if judgement.tradeoff:
        console.print(_tradeoff(judgement, verbose))
    if judgement.kinds:
        console.print(_kinds(judgement, verbose), soft_wrap=True)
    console.print(_figures(evaluation) if verbose else _headline(evaluation), soft_wrap=True)
    notes = [f"note: {note}" for note in evaluation.notes]
    for text in (*_on_threshold(evaluation), *first_of(notes, MOST_NOTES, verbose, "notes")):
        console.print(text, soft_wrap=True)


def _print_verdict(console: "Console", judgement: "Judgement", step: "Step") -> None:
    """The counts, the word and why, and what to do."""
    from rich.text import Text

    styles = {"ready": "bold green", "weak": "bold red", "not ready": "bold yellow"}
    console.print(judgement.sentence, soft_wrap=True)
    if judgement.undecided_text:
        console.print(judgement.undecided_text, soft_wrap=True)
    word = Text(judgement.state, styles.get(judgement.state, "bold"))
    console.print(Text.assemble(word, f": {judgement.reason}."), soft_wrap=True)
    console.print(f"next: {step}", soft_wrap=True)


def _tradeoff(judgement: "Judgement", verbose: bool) -> "Table":
    """The rows around the bundle's own."""
    from rich.table import Table

    from slsg_edge.metrics.axis import score_text

    heads = ("good parts rejected", f"{judgement.defects} missed", "threshold", "")
    table = Table(*heads, box=None, pad_edge=False)
    rows = judgement.tradeoff
    own = next((place for place, row in enumerate(rows) if row.own), 0)
    first = 0 if verbose else max(0, min(own - MOST_ROWS // 2, len(rows) - MOST_ROWS))
    for row in rows if verbose else rows[first : first + MOST_ROWS]:
        table.add_row(
            f"{row.rejected} of {judgement.good}",
            f"{row.missed} of {judgement.defective}",
            score_text(row.threshold),
            "<- the bundle's" if row.own else "",
        )
    return table


def _kinds(judgement: "Judgement", verbose: bool) -> str:
    """The worst first."""
    parts = [f"{shortened(kind)}, {part}" for kind, part in judgement.kinds]
    lines = first_of(parts, MOST_KINDS, verbose, "kinds")
    return "missed, by kind of defect: " + "; ".join(lines)


def _headline(evaluation: "Evaluation") -> str:
    """The figures that people quote, and how fast a part was."""
    from slsg_edge.reports.figures import HEADLINES, LABELS, known
    from slsg_edge.reports.tested_on import pace_text

    shown = [
        f"{LABELS[name]} {figure.value:.4f}"
        for name, figure in known(evaluation.figures, HEADLINES).items()
    ]
    texts = [f"{', '.join(shown)} (-v: with intervals)" if shown else "", pace_text(evaluation)]
    return "\n".join(filter(None, texts))


def _figures(evaluation: "Evaluation") -> "Table":
    from rich.table import Table

    from slsg_edge.reports.from_evaluation import figure_texts
    from slsg_edge.reports.tested_on import pace_text

    table = Table("figure", "value (95 % interval)", box=None, pad_edge=False)
    for name, value in figure_texts(evaluation).items():
        table.add_row(name, value)
    table.add_row("speed", pace_text(evaluation) or "not known")
    return table


def _on_threshold(evaluation: "Evaluation") -> list[str]:
    """Where it is from and how sure, and what that means for these images."""
    from slsg_edge.calibration.operating_points import weakness
    from slsg_edge.evaluation.next_step import threshold_text, threshold_warning

    threshold = evaluation.judged_by
    if threshold is None:
        return []
    warnings = filter(None, (weakness(threshold), threshold_warning(threshold, evaluation.rows)))
    return [
        f"threshold: {threshold_text(threshold)}",
        *(f"warning: {warning}" for warning in warnings),
    ]
