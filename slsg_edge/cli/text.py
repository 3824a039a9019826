"""Lines that several commands print."""

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from slsg_edge.data.names import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from slsg_edge.scoring import Threshold

WIDE = 10_000  # columns, and lines: no table has as many


def say(text: str) -> None:
    """A line for people, on stderr, so that stdout stays for results."""
    typer.echo(without_controls(text), err=True)


def tell(text: str) -> None:
    """A line of results, on stdout."""
    typer.echo(without_controls(text))


def without_controls(text: str) -> str:
    """Lines stay lines; what a terminal would obey, as in the name of a file, is an escape."""
    return "\n".join(map(printable, text.expandtabs().split("\n")))


def plain_console(*, soft_wrap: bool = False) -> "Console":
    """Where tables and lines of results go: in them a text is only what it says.

    Folders, files and kinds of defect are named by the user, so `[red]` or `:bug:` in a name is
    neither a colour nor a picture, and no name steers the terminal. Colours come from rich's
    `Text`. No command makes another console.
    """
    from collections.abc import Iterable

    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment
    from rich.text import Text

    class PlainConsole(Console):
        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(without_controls(text), **options)

        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterable[Segment]:
            for text, style, control in super().render(renderable, options):
                yield Segment(text if control else without_controls(text), style, control)

    # in a file or a pipe there is no edge to cut a name at, whatever TERM says
    size = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else WIDE
    return PlainConsole(
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=soft_wrap,
        width=size,
        height=size,
    )


def shortened(text: str, longest: int = 40) -> str:
    """A name that somebody gave may be of any length."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def first_of(texts: "Sequence[str]", most: int, verbose: bool, what: str) -> list[str]:
    """So many of them, and how many more there are; all where somebody wants the details."""
    if verbose or len(texts) <= most:
        return [*texts]
    return [*texts[:most], f"and {len(texts) - most} more {what}: -v shows all"]


def threshold_line(threshold: "Threshold") -> str:
    """The threshold, where it comes from and how sure it is, on one line."""
    parts = [f"{threshold.value:.4g} ({threshold.method})"]
    if threshold.interval:
        parts.append("90 % interval {:.4g} to {:.4g}".format(*threshold.interval))
    if threshold.false_alarm_rate:
        parts.append(f"false alarms 1 in {1 / threshold.false_alarm_rate:.0f}")
    parts.append(f"{len(threshold.good_scores)} good images")
    if threshold.left_out:
        parts[-1] += f" ({threshold.left_out} of them learned from, each scored without itself)"
    if threshold.reviewed:
        parts.append(f"{len(threshold.reviewed)} of them reviewed rejects")
    return ", ".join(parts)


def next_after_calibrate(bundle: Path) -> str:
    """What to do with a bundle that has its threshold."""
    path = shlex.quote(str(bundle))
    return f"next: slsg-edge eval {path} DATA, or slsg-edge watch {path} SOURCE"


def choice_note(threshold: "Threshold") -> str | None:
    """How it was chosen among its points, and what its undecided band holds."""
    from slsg_edge.calibration.operating_points import ENOUGH, ODD, chosen_of

    point = chosen_of(threshold)
    if point is None:
        return None
    if threshold.undecided_above is not None:
        loose = next(p for p in threshold.points if p.threshold == threshold.undecided_above)
        share = loose.false_alarm_rate - point.false_alarm_rate
        return (
            f"Scores above {threshold.undecided_above:.4g} and up to {threshold.value:.4g} are "
            f"undecided: about {share:.1%} of the good parts."
        )
    if threshold.chosen_by == "defects and costs":
        return (
            f"1 in {1 / point.false_alarm_rate:.0f} costs least a part of the rates that the "
            f"images show, by {point.defects} defects and the costs given."
        )
    if threshold.chosen_by != "simulated anomalies" or point.found is None:
        return None
    if point.found >= ENOUGH:
        return (
            f"1 in {1 / point.false_alarm_rate:.0f} is the strictest rate that finds {ENOUGH:.0%} "
            f"of the simulated anomalies and does not hang on the {ODD} highest good scores."
        )
    return (
        f"No stricter rate that the images show well finds {ENOUGH:.0%} of the simulated "
        f"anomalies, so the threshold takes 1 in {1 / point.false_alarm_rate:.0f}, which finds "
        f"{point.found:.0%}."
    )
