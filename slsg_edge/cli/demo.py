"""`slsg-edge demo`: the whole line on a made-up product, and how it went."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.stopping import INTERRUPTED
from slsg_edge.cli.text import plain_console, say, tell
from slsg_edge.cli.watch import summary_line

if TYPE_CHECKING:
    from slsg_edge.demo import DemoResult


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where everything goes.")] = Path(
        "demo"
    ),
    seed: Annotated[int, typer.Option(help="Another line, another training.")] = 0,
) -> None:
    """Draw a production line, train, export, calibrate, check and watch it."""
    from slsg_edge.demo import WANTED_AUROC, run_demo
    from slsg_edge.training.loop import Interrupted

    try:
        result = run_demo(folder, seed, say)
    except Interrupted as stopped:
        again = shlex.join(["slsg-edge", "demo", str(folder), "--seed", str(seed)])
        say(f"{stopped}. Go on with: {again}")
        raise typer.Exit(INTERRUPTED) from stopped
    _print(result, folder)
    if not result.good_enough:
        tell(f"The image AUROC is below the {WANTED_AUROC} that this demo promises.")
        raise typer.Exit(1)


def _print(result: "DemoResult", folder: Path) -> None:
    from rich.table import Table

    from slsg_edge.reports.from_evaluation import figure_texts

    console = plain_console()
    film = Table("passed the camera", "modules", "good", "anomalous", "undecided", title="The film")
    for row in result.film:
        counts = [str(row.verdicts[name]) for name in ("good", "anomalous", "undecided")]
        film.add_row(row.name.replace("_", " "), str(row.modules), *counts)
    console.print(film)
    console.print(summary_line(result.summary))
    figures = Table("figure", "value", title="Test images")
    for name, value in figure_texts(result.evaluation).items():
        figures.add_row(name, value)
    console.print(figures)
    console.print(f"{result.seconds:.0f} s. Report: {result.report}", soft_wrap=True)
    made = [str(folder / name) for name in ("module.slsg", "data/film.mp4")]
    console.print(f"next: {shlex.join(['slsg-edge', 'watch', *made])}", soft_wrap=True)
