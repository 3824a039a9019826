"""What `train --detector auto` compared, as a table."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from slsg_edge.stages.choose_detector import Pick


def print_pick(pick: "Pick") -> None:
    """One row per detector that was tried, and which is taken and why."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table("detector", "AUROC on simulated", "training", "a frame", box=box.SIMPLE_HEAD)
    for trial in pick.trials:
        auroc = f"{trial.auroc.value:.3f} ({trial.auroc.low:.3f} to {trial.auroc.high:.3f})"
        cut = ", cut short" if trial.shortened else ""
        took = f"{trial.milliseconds:.1f} ms, {trial.backend}"
        table.add_row(trial.detector, auroc, f"{trial.seconds:.0f} s{cut}", took)
    Console(highlight=False).print(table)
    typer.echo(
        f"{pick.chosen.detector} is taken: {pick.reason}. Compared on {pick.good} held-out good "
        f"images and {pick.simulated} simulated anomalies; only `eval` on real defects is proof."
    )
