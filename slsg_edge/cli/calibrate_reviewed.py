"""`slsg-edge calibrate --add-reviewed`: what the threshold would become, and taking it."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from slsg_edge.bundle.commands import recorded_command
from slsg_edge.cli.text import next_after_calibrate, plain_console, tell, threshold_line
from slsg_edge.cli.trust_options import note_change

if TYPE_CHECKING:
    from slsg_edge.contracts import Json
    from slsg_edge.scoring import OperatingPoint, Threshold
    from slsg_edge.stages.reviewed import Proposal

SHOWN = 5  # of the good images with the highest scores, by which a slip of the review shows


def calibrate_reviewed(
    bundle: Path,
    folder: Path,
    rate: float | None,
    backend: str | None,
    take: bool,
    as_json: bool,
    by_simulated: bool = False,
) -> None:
    """Shows the proposal, and writes it when it is to be taken."""
    import json

    from slsg_edge.bundle.folder import open_bundle
    from slsg_edge.stages.reviewed import propose, take_over

    started = time.monotonic()
    opened = open_bundle(bundle)
    proposal = propose(opened, folder, rate, backend, by_simulated=by_simulated)
    written = take and proposal.then is not None
    if written:
        asked = "auto" if by_simulated else rate
        take_over(opened, proposal, _command(folder, asked, backend), started)
    if as_json:
        tell(json.dumps(_summary(proposal, written)))
    else:
        _print(proposal, written)
    if written:
        note_change(bundle, "calibrate --add-reviewed")
    if written and not as_json:
        tell(next_after_calibrate(bundle))


def _command(folder: Path, rate: float | str | None, backend: str | None) -> str:
    return recorded_command(
        "calibrate",
        {"--add-reviewed": folder, "--yes": True, "--backend": backend, "--false-alarms": rate},
    )


def _summary(proposal: "Proposal", written: bool) -> "dict[str, Json]":
    def side(threshold: "Threshold | None") -> "dict[str, Json] | None":
        if threshold is None:
            return None
        return {
            "threshold": threshold.value,
            "method": threshold.method,
            "images": len(threshold.good_scores),
            "reviewed": len(threshold.reviewed),
            "false_alarms": proposal.false_alarms(threshold),
            "misses": proposal.misses(threshold),
            "points": [_point(point, proposal) for point in threshold.points],
        }

    return {
        "now": side(proposal.now),
        "then": side(proposal.then),
        "good": {str(path): score for path, score in proposal.good.items()},
        "bad": {str(path): score for path, score in proposal.bad.items()},
        "notes": list(proposal.notes),
        "written": written,
    }


def _point(point: "OperatingPoint", proposal: "Proposal") -> "dict[str, Json]":
    from slsg_edge.calibration.defects import missed

    return {
        "false_alarm_rate": point.false_alarm_rate,
        "threshold": point.threshold,
        "found": point.found,
        "misses": missed([*proposal.bad.values()], point.threshold),
        "chosen": point.chosen,
    }


def _print(proposal: "Proposal", written: bool) -> None:
    from rich.table import Table

    from slsg_edge.cli.operating_points import points_before_and_after

    sides = [side for side in (proposal.now, proposal.then) if side is not None]
    table = Table("", "now", *(["with them"] if len(sides) > 1 else []))
    good, bad = len(proposal.good), len(proposal.bad)
    table.add_row("threshold", *(f"{side.value:.4g} ({side.method})" for side in sides))
    table.add_row("good images it is from", *(str(len(side.good_scores)) for side in sides))
    if good:
        alarms = [proposal.false_alarms(side) for side in sides]
        table.add_row("new good ones rejected", *(_of(count, good) for count in alarms))
    if bad:
        misses = [proposal.misses(side) for side in sides]
        table.add_row("bad ones missed", *(_of(count, bad) for count in misses))
    plain_console().print(table)
    if any(side.points for side in sides):
        bad_scores = [*proposal.bad.values()]
        shown = points_before_and_after(proposal.now, proposal.then, bad_scores)
        plain_console(soft_wrap=True).print(shown)
    highest = sorted(proposal.good.items(), key=lambda found: -found[1])[:SHOWN]
    if highest:
        tell("highest good ones: " + ", ".join(f"{p.name} {s:.4g}" for p, s in highest))
    for note in proposal.notes:
        tell(f"note: {note}")
    if written and proposal.then is not None:
        tell(f"threshold {threshold_line(proposal.then)}")
    elif proposal.then is not None:
        tell("Nothing is written yet. To take it, give the same command with --yes.")


def _of(count: int, total: int) -> str:
    return f"{count} of {total} ({count / total:.0%})"
