"""`slsg-edge calibrate --int8`: makes the INT8 graph, says what it buys and costs."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from slsg_edge.cli.text import threshold_line

if TYPE_CHECKING:
    from slsg_edge.bundle.folder import Bundle
    from slsg_edge.calibration.ranges import Method
    from slsg_edge.stages.int8 import Quantised

INT8_BACKEND = "openvino-int8"  # the one that runs INT8 on a CPU


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
    false_alarms: float


def calibrate_int8(
    bundle: Path,
    images: Path,
    options: Int8Options,
    report: Path | None,
    command: str,
    as_json: bool,
) -> None:
    """Writes the graph, then finds the threshold of its own scores where they can be had."""
    from slsg_edge.bundle.folder import open_bundle
    from slsg_edge.calibration.sensitivity import Budget
    from slsg_edge.stages.int8 import Int8Settings, quantise_bundle

    settings = Int8Settings(
        options.method,
        budget=Budget(options.auroc_drop, options.rank),
        false_alarms=options.false_alarms if _runs_int8() else None,
    )
    found = quantise_bundle(open_bundle(bundle), images, settings, command)
    threshold_notes = _threshold(found.bundle, images, options.false_alarms, command)
    notes = (*_tested(found), *found.notes, *threshold_notes)
    if report:
        _write_report(found, report, command)
    if as_json:
        _print_json(found, notes)
    else:
        _print(found, notes, bundle)


def _tested(found: "Quantised") -> list[str]:
    return [] if found.test is None else [str(found.test)]


def _threshold(bundle: "Bundle", images: Path, rate: float, command: str) -> list[str]:
    """Notes on it. INT8 moves scores, so the reference's threshold does not fit them."""
    from slsg_edge.stages.threshold import store_threshold, threshold_from_images

    if not _runs_int8():
        return [
            "Nothing here runs INT8, so it has no threshold yet. pip install 'slsg-edge[openvino]'"
        ]
    started = time.monotonic()
    threshold, notes = threshold_from_images(bundle, images, rate, None, INT8_BACKEND)
    store_threshold(bundle, threshold, command, started, INT8_BACKEND)
    return [f"Threshold of {INT8_BACKEND}: {threshold_line(threshold)}", *notes]


def _runs_int8() -> bool:
    """Whether anything here does, and the scores of INT8 can be had."""
    import importlib.util

    return importlib.util.find_spec("openvino") is not None


def _write_report(found: "Quantised", path: Path, command: str) -> None:
    from slsg_edge.reports.int8_page import int8_page
    from slsg_edge.storage import write_atomically

    title = f"What INT8 buys and costs: {found.bundle.path.stem}"
    write_atomically(path, int8_page(title, found, command).encode())


def _print_json(found: "Quantised", notes: tuple[str, ...]) -> None:
    table = {key: value for key, value in asdict(found).items() if key != "bundle"}
    typer.echo(json.dumps(table | {"notes": list(notes)}))


def _print(found: "Quantised", notes: tuple[str, ...], bundle: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from slsg_edge.reports.int8_page import HEADS, figures_of, rows_of

    console = Console(highlight=False)
    table = Table(*HEADS, box=None, pad_edge=False)
    for row in rows_of(found):
        table.add_row(*row)
    console.print(table)
    for name, text in figures_of(found).items():
        console.print(f"{name:<24} {text}", markup=False)
    for note in notes:
        console.print(f"note: {note}", markup=False, soft_wrap=True)
    console.print(f"next: slsg-edge build-engine {bundle} --precision int8", markup=False)
