"""`slsg-edge info`: whether a bundle can watch, what it is, and whether it holds together."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson, Verbose
from slsg_edge.cli.text import choice_note, plain_console, tell, threshold_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from slsg_edge.bundle.folder import Bundle, Manifest
    from slsg_edge.bundle.inventory import Inventory, StageEntry
    from slsg_edge.bundle.readiness import Readiness
    from slsg_edge.scoring import Threshold

_COLOURS = {"fresh": "green", "damaged": "red"}


def info(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle.")],
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Show a bundle: detector, threshold, what made each file, and whether it is fresh."""
    import json

    from slsg_edge.bundle.folder import open_bundle
    from slsg_edge.bundle.inventory import inventory_of, summary_of
    from slsg_edge.bundle.readiness import readiness_of

    inventory = inventory_of(open_bundle(bundle))
    readiness = readiness_of(inventory.bundle)
    if as_json:
        state = {
            "ready": readiness.ready,
            "missing": readiness.missing,
            "next": readiness.command,
        }
        notes = threshold_notes(inventory.bundle)
        tell(json.dumps({**state, **summary_of(inventory), **notes}))
    else:
        _print(inventory, readiness, verbose)


def threshold_notes(bundle: "Bundle") -> dict[str, str | None]:
    """How the threshold was chosen, why it is weak, and whether it is of the old kind."""
    from slsg_edge.calibration.operating_points import weakness

    threshold = bundle.manifest.threshold
    if threshold is None:
        return {"choice": None, "weakness": None, "older": None}
    return {
        "choice": choice_note(threshold),
        "weakness": weakness(threshold),
        "older": _older(bundle, threshold),
    }


def _older(bundle: "Bundle", threshold: "Threshold") -> str | None:
    """What to know of a threshold that an earlier version found."""
    import shlex

    if threshold.points or threshold.method == "manual":
        return None
    command = shlex.join(["slsg-edge", "calibrate", str(bundle.path), "--images", "DIR"])
    return (
        "This threshold is of the old kind, which was not tried on simulated anomalies. It stays "
        f"valid. To find a new one: {command}"
    )


def _print(inventory: "Inventory", readiness: "Readiness", verbose: bool) -> None:
    from rich.text import Text

    console = plain_console(soft_wrap=True)  # a command that is cut off is of no use
    word = Text("ready to watch", "green") if readiness.ready else Text("not ready", "yellow")
    why = f": {readiness.missing}" if readiness.missing else ""
    console.print(Text.assemble(word, why))
    console.print(f"next: {readiness.command}\n")
    for name, text in _lines(inventory.bundle.manifest).items():
        console.print(f"{name:<10} {text}")
    _print_threshold(console, inventory.bundle, verbose)
    if verbose:
        _print_stages(console, inventory)
    else:
        _print_states(console, inventory)


def _print_states(console: "Console", inventory: "Inventory") -> None:
    """In short: a line for all that is fresh, one for each that is not."""
    stages, files = inventory.stages, inventory.files
    fresh = [entry.name for entry in stages if entry.state == "fresh"]
    console.print(f"{'fresh':<10} {', '.join(fresh) or 'nothing'}")
    for entry in stages:
        if entry.state != "fresh":
            console.print(_coloured(entry.state).append(f": {entry.name}: {entry.reason}"))
    megabytes = sum(entry.size or 0 for entry in files) / 1e6
    console.print(f"{'files':<10} {len(files)}, {megabytes:.1f} MB")
    for file in files:
        if file.state in ("damaged", "missing"):
            console.print(_coloured(file.state).append(f": {file.name}"))
    console.print("-v shows what made each file, when and with what, and its sha256.")


def _print_stages(console: "Console", inventory: "Inventory") -> None:
    from rich.text import Text

    for entry in inventory.stages:
        console.print(Text(f"\n{entry.name:<10} ").append_text(_coloured(entry.state)))
        for text in _details(entry):
            console.print(f"{'':<10} {text}")
    console.print()
    console.print(_files(inventory))


def _print_threshold(console: "Console", bundle: "Bundle", verbose: bool) -> None:
    """What else is known of it; nothing where there is none."""
    from slsg_edge.cli.operating_points import points_table

    threshold = bundle.manifest.threshold
    if verbose and threshold and threshold.points:
        console.print(points_table(threshold))
    for note in filter(None, threshold_notes(bundle).values()):
        console.print(f"note: {note}")


def _lines(manifest: "Manifest") -> dict[str, str]:
    spec = manifest.preprocessing
    region = f"region {spec.roi}" if spec.roi else "the whole frame"
    return {
        "detector": manifest.detector,
        "spec": ", ".join(f"{name} {value}" for name, value in manifest.spec.items()),
        "input": f"{spec.width}x{spec.height}, {spec.fit}, {region}",
        "threshold": threshold_line(manifest.threshold) if manifest.threshold else "none yet",
    }


def _details(entry: "StageEntry") -> list[str]:
    lines = [entry.command, f"{entry.finished}, {entry.seconds:.1f} s"]
    return [*lines, *filter(None, (entry.tools, entry.reason))]


def _files(inventory: "Inventory") -> "Table":
    from rich.table import Table

    table = Table("file", "state", "bytes", "sha256", "written by")
    for entry in inventory.files:
        size = "" if entry.size is None else f"{entry.size:,}"
        table.add_row(entry.name, _coloured(entry.state), size, entry.sha256, entry.stage)
    return table


def _coloured(state: str) -> "Text":
    from rich.text import Text

    return Text(state, style=_COLOURS.get(state, "yellow"))
