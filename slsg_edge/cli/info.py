"""`slsg-edge info`: what a bundle is, what made it, and whether it still holds together."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson
from slsg_edge.cli.text import plain_console, threshold_line

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from slsg_edge.bundle.folder import Manifest
    from slsg_edge.bundle.inventory import Inventory, StageEntry

_COLOURS = {"fresh": "green", "damaged": "red"}


def info(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle.")],
    as_json: AsJson = False,
) -> None:
    """Show a bundle: detector, threshold, what made each file, and whether it is fresh."""
    import json

    from slsg_edge.bundle.folder import open_bundle
    from slsg_edge.bundle.inventory import inventory_of, summary_of

    inventory = inventory_of(open_bundle(bundle))
    if as_json:
        typer.echo(json.dumps(summary_of(inventory)))
    else:
        _print(inventory)


def _print(inventory: "Inventory") -> None:
    from rich.text import Text

    console = plain_console(soft_wrap=True)  # a command that is cut off is of no use
    for name, text in _lines(inventory.bundle.manifest).items():
        console.print(f"{name:<10} {text}")
    for entry in inventory.stages:
        console.print(Text(f"\n{entry.name:<10} ").append_text(_coloured(entry.state)))
        for text in _details(entry):
            console.print(f"{'':<10} {text}")
    console.print()
    console.print(_files(inventory))


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
