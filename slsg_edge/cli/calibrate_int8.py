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
    from slsg_edge.bench.race import LatencyComparison
    from slsg_edge.bundle.folder import Bundle
    from slsg_edge.calibration.ranges import Method
    from slsg_edge.stages.int8 import Quantised
    from slsg_edge.stages.threshold import Calibrated

MOST_GROUPS = 8  # of a screen


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
    from slsg_edge.bench.int8 import int8_latency
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
    latency = int8_latency(calibrated.bundle) if calibrated else None
    if report:
        _write_report(done, report, done.bundle.command_of(INT8_STAGE), latency)
    if as_json:
        _print_json(done, notes, latency)
    else:
        _print(done, notes, bundle.path, latency)


def _on_threshold(calibrated: "Calibrated | None") -> list[str]:
    if calibrated is None:
        return [
            "Nothing here runs INT8, so it has no threshold yet. pip install 'slsg-edge[openvino]'"
        ]
    from slsg_edge.stages.int8 import INT8_BACKEND

    line = threshold_line(calibrated.threshold)
    return [f"Threshold of {INT8_BACKEND}: {line}", *calibrated.notes]


def _write_report(
    found: "Quantised", path: Path, command: str, latency: "LatencyComparison | None"
) -> None:
    from slsg_edge.reports.int8_page import int8_page
    from slsg_edge.storage import write_atomically

    title = f"What INT8 buys and costs: {found.bundle.path.stem}"
    write_atomically(path, int8_page(title, found, command, latency).encode())


def _print_json(
    found: "Quantised", notes: tuple[str, ...], latency: "LatencyComparison | None"
) -> None:
    table = {key: value for key, value in asdict(found).items() if key != "bundle"}
    timed = None if latency is None else asdict(latency)
    tell(json.dumps(table | {"latency": timed, "notes": list(notes)}))


def _print(
    found: "Quantised", notes: tuple[str, ...], bundle: Path, latency: "LatencyComparison | None"
) -> None:
    """What it buys and costs as a whole, then group by group."""
    from rich.table import Table

    from slsg_edge.reports.int8_page import HEADS, figures_of, rows_of

    console = plain_console()
    for name, text in figures_of(found, latency).items():
        console.print(f"{name:<24} {text}")
    table = Table(*HEADS, box=None, pad_edge=False)
    rows = rows_of(found)
    for row in rows[:MOST_GROUPS]:
        table.add_row(*row)
    console.print(table)
    if len(rows) > MOST_GROUPS:
        console.print(f"and {len(rows) - MOST_GROUPS} more groups: --report shows all")
    for note in notes:
        console.print(f"note: {note}", soft_wrap=True)
    words = ["slsg-edge", "build-engine", str(bundle), "--precision", "int8"]
    path = shlex.quote(str(bundle))
    console.print(
        f"next: slsg-edge watch {path} SOURCE --backend openvino-int8, or on an NVIDIA GPU "
        f"{shlex.join(words)}",
        soft_wrap=True,
    )
