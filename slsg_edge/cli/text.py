"""Lines that several commands print."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from slsg_edge.scoring import Threshold


def say(text: str) -> None:
    """A line for people, on stderr, so that stdout stays for results."""
    typer.echo(text, err=True)


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
