"""`slsg-edge calibrate --int8`: makes the INT8 graph, says what it buys and costs."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slsg_edge.bundle.commands import recorded_command
from slsg_edge.cli.text import plain_console, tell, threshold_line

if TYPE_CHECKING:
    from slsg_edge.bundle.folder import Bundle
    from slsg_edge.calibration.ranges import Method
    from slsg_edge.stages.int8 import Quantised
    from slsg_edge.stages.threshold import Calibrated


@dataclass(frozen=True, slots=True)
class Int8Options:
    """As given on the command line, with the defaults filled in.

    method: where INT8 scales clip.
    auroc_drop, rank: the budget.
    false_alarms: the rate of the threshold.
    """

    method: "Method"
    auroc_drop: float
    rank: float
    false_alarms: float | None


def run_int8(
    bundle: "Bundle",
    images: Path,
    options: Int8Options,
    report: Path | None,
    recorded: Mapping[str, object],
    as_json: bool,
) -> None:
    """Makes the graph, and its threshold where its scores can be had; prints what came of it."""
    from slsg_edge.bundle.plan import INT8_STAGE
    from slsg_edge.calibration.sensitivity import Budget
    from slsg_edge.reports.place import require_place
    from slsg_edge.stages.int8 import Int8Settings, calibrate_int8

    require_place(report)
    settings = Int8Settings(
        options.method,
        budget=Budget(options.auroc_drop, options.rank),
        false_alarms=options.false_alarms,
    )
    command = recorded_command(
        "calibrate",
        {
            **recorded,
            "--int8": True,
            "--method": options.method,
            "--auroc-drop": options.auroc_drop,
            "--rank": options.rank,
        },
    )
    done, calibrated = calibrate_int8(bundle, images, settings, command)
    tested = () if done.test is None else (str(done.test),)
    notes = (*tested, *done.notes, *_on_threshold(calibrated))
    if report:
        _write_report(done, report, done.bundle.command_of(INT8_STAGE))
    if as_json:
        _print_json(done, notes)
    else:
        _print(done, notes, bundle.path)


def _on_threshold(calibrated: "Calibrated | None") -> list[str]:
    if calibrated is None:
        return [
            "Nothing here runs INT8, so it has no threshold yet. pip install 'slsg-edge[openvino]'"
        ]
    from slsg_edge.stages.int8 import INT8_BACKEND

    line = threshold_line(calibrated.threshold)
    return [f"Threshold of {INT8_BACKEND}: {line}", *calibrated.notes]


def _write_report(found: "Quantised", path: Path, command: str) -> None:
    from slsg_edge.reports.int8_page import int8_page
    from slsg_edge.storage import write_atomically

    title = f"What INT8 buys and costs: {found.bundle.path.stem}"
    write_atomically(path, int8_page(title, found, command).encode())


def _print_json(found: "Quantised", notes: tuple[str, ...]) -> None:
    table = {key: value for key, value in asdict(found).items() if key != "bundle"}
    tell(json.dumps(table | {"notes": list(notes)}))


def _print(found: "Quantised", notes: tuple[str, ...], bundle: Path) -> None:
    from rich.table import Table

    from slsg_edge.reports.int8_page import HEADS, figures_of, rows_of

    console = plain_console()
    table = Table(*HEADS, box=None, pad_edge=False)
    for row in rows_of(found):
        table.add_row(*row)
    console.print(table)
    for name, text in figures_of(found).items():
        console.print(f"{name:<24} {text}")
    for note in notes:
        console.print(f"note: {note}", soft_wrap=True)
    words = ["slsg-edge", "build-engine", str(bundle), "--precision", "int8"]
    console.print(f"next: {shlex.join(words)}", soft_wrap=True)
