"""`slsg-edge demo`: the whole line on a made-up product, and how it went."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.train import INTERRUPTED
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
        result = run_demo(folder, seed, lambda text: typer.echo(text, err=True))
    except Interrupted as stopped:
        typer.echo(f"{stopped}. Go on with: slsg-edge demo {folder} --seed {seed}", err=True)
        raise typer.Exit(INTERRUPTED) from stopped
    _print(result, folder)
    if not result.good_enough:
        typer.echo(f"The image AUROC is below the {WANTED_AUROC} that this demo promises.")
        raise typer.Exit(1)


def _print(result: "DemoResult", folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from slsg_edge.reports.from_evaluation import figures_of

    console = Console()
    film = Table("passed the camera", "modules", "good", "anomalous", "undecided", title="The film")
    for row in result.film:
        counts = [str(row.verdicts[name]) for name in ("good", "anomalous", "undecided")]
        film.add_row(row.name.replace("_", " "), str(row.modules), *counts)
    console.print(film)
    console.print(summary_line(result.summary))
    figures = Table("figure", "value", title="Test images")
    for name, value in figures_of(result.evaluation).items():
        figures.add_row(name, value)
    console.print(figures)
    console.print(f"{result.seconds:.0f} s. Report: {result.report}")
    console.print(f"next: slsg-edge watch {folder / 'module.slsg'} {folder / 'data/film.mp4'}")
