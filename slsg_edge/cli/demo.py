"""`slsg-edge demo`: the whole line on a made-up product, and how it went."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.stopping import INTERRUPTED
from slsg_edge.cli.text import plain_console, say, tell
from slsg_edge.cli.watch import summary_line

if TYPE_CHECKING:
    from rich.table import Table

    from slsg_edge.demo.story import DemoResult, Passed, SecondOpinion

MINUTES = 5.0


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where everything goes.")] = Path(
        "demo"
    ),
    seed: Annotated[int, typer.Option(help="Another line, another training.")] = 0,
    minutes: Annotated[
        float,
        typer.Option(metavar="M", help="Time for all; SLSG, the second detector, is cut to it."),
    ] = MINUTES,
) -> None:
    """Draw a production line, train, export, calibrate, check and watch it."""
    from slsg_edge.demo import story

    with _told_how_to_go_on(folder, seed, minutes):
        result = story.run_demo(folder, seed, say, minutes)
        _print(result, folder)
        second = story.second_opinion(folder, seed, say, minutes, result)
    if second is not None:
        _print_second(result, second)
    if not result.good_enough:
        tell(f"The image AUROC is below the {story.WANTED_AUROC} that this demo promises.")
        raise typer.Exit(1)


@contextmanager
def _told_how_to_go_on(folder: Path, seed: int, minutes: float) -> Iterator[None]:
    from slsg_edge.training.loop import Interrupted

    try:
        yield
    except Interrupted as stopped:
        words = ["slsg-edge", "demo", str(folder), "--seed", str(seed)]
        words += [] if minutes == MINUTES else ["--minutes", f"{minutes:g}"]
        say(f"{stopped}. Go on with: {shlex.join(words)}")
        raise typer.Exit(INTERRUPTED) from stopped


def _print(result: "DemoResult", folder: Path) -> None:
    from rich.table import Table

    from slsg_edge.reports.from_evaluation import figure_texts

    console = plain_console()
    console.print(_film_table(result.film, "The film"))
    console.print(summary_line(result.summary))
    figures = Table("figure", "value", title="Test images")
    for name, value in figure_texts(result.evaluation).items():
        figures.add_row(name, value)
    console.print(figures)
    console.print(f"{result.seconds:.0f} s. Report: {result.report}", soft_wrap=True)
    made = [str(folder / name) for name in ("module.slsg", "data/film.mp4")]
    console.print(f"next: {shlex.join(['slsg-edge', 'watch', *made])}", soft_wrap=True)


def _print_second(first: "DemoResult", second: "SecondOpinion") -> None:
    """Beside what N-pad said of the same test images."""
    from rich.table import Table

    from slsg_edge.reports.from_evaluation import figure_texts

    console = plain_console()
    console.print(_film_table(second.film, "The film, as SLSG sees it"))
    figures = Table("figure", "N-pad", "SLSG", title="Test images, by both")
    texts, others = figure_texts(first.evaluation), figure_texts(second.evaluation)
    for name, value in texts.items():
        figures.add_row(name, value, others.get(name, ""))
    console.print(figures)
    iterations = f"SLSG after {second.iterations} iterations"
    console.print(f"{second.seconds:.0f} s more. {iterations}; N-pad judges.", soft_wrap=True)


def _film_table(film: "Sequence[Passed]", title: str) -> "Table":
    from rich.table import Table

    table = Table("passed the camera", "modules", "good", "anomalous", "undecided", title=title)
    for row in film:
        counts = [str(row.verdicts[name]) for name in ("good", "anomalous", "undecided")]
        table.add_row(row.name.replace("_", " "), str(row.modules), *counts)
    return table
