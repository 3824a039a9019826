"""Lines that several commands print."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from slsg_edge.scoring import Threshold


def say(text: str) -> None:
    """A line for people, on stderr, so that stdout stays for results."""
    typer.echo(text, err=True)


def plain_console(*, soft_wrap: bool = False) -> "Console":
    """Where tables and lines of results go: in them a text is only what it says.

    Folders, files and kinds of defect are named by the user, so `[red]` or `:bug:` in a name is
    neither a colour nor a picture. Colours come from rich's `Text`.
    """
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False, soft_wrap=soft_wrap)


def threshold_line(threshold: "Threshold") -> str:
    """The threshold, where it comes from and how sure it is, on one line."""
    parts = [f"{threshold.value:.4g} ({threshold.method})"]
    if threshold.interval:
        parts.append("90 % interval {:.4g} to {:.4g}".format(*threshold.interval))
    if threshold.false_alarm_rate:
        parts.append(f"false alarms 1 in {1 / threshold.false_alarm_rate:.0f}")
    parts.append(f"{len(threshold.good_scores)} good images")
    if threshold.reviewed:
        parts.append(f"{len(threshold.reviewed)} of them reviewed rejects")
    return ", ".join(parts)
