"""`slsg-edge data`: reads a data set once and says what is there and what is wrong with it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson
from slsg_edge.cli.text import plain_console, tell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from slsg_edge.data.survey.survey import Survey


def data_command(
    data: Annotated[
        Path, typer.Argument(metavar="DIR", help="A data set, a folder of images or a list.")
    ],
    as_json: AsJson = False,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Write a contact sheet.")
    ] = None,
) -> None:
    """Check a data set: layout, splits, leaks, masks, odd images; exit code 1 if it is invalid."""
    import json

    from slsg_edge.data.inputs import require_outside
    from slsg_edge.data.layouts import read_as_it_is
    from slsg_edge.data.survey.sheet import sheet_of
    from slsg_edge.data.survey.survey import survey, survey_summary
    from slsg_edge.images import encode_image
    from slsg_edge.progress import progress
    from slsg_edge.reports.place import require_place
    from slsg_edge.storage import write_atomically

    require_place(sheet)
    if sheet:
        require_outside(data, "--sheet", sheet)
    found = survey(read_as_it_is(data), progress)
    if sheet:
        write_atomically(sheet, encode_image(sheet_of(found), ".png"))
    if as_json:
        tell(json.dumps(survey_summary(found)))
    else:
        _print(found)
    if not found.valid:
        raise typer.Exit(1)


def _print(found: "Survey") -> None:
    from rich.table import Table

    from slsg_edge.data.survey.finding import shown

    console = plain_console()
    dataset = found.dataset
    folder = shown(dataset.folder, Path())
    console.print(f"{folder}: {dataset.layout}, {len(dataset.samples)} images", soft_wrap=True)
    console.print(f"layout {dataset.layout}: {dataset.why}", soft_wrap=True)
    heads = ("split", "kind", "images", "masks", "size", "mode", "brightness", "sharpness")
    table = Table(*heads, box=None, pad_edge=False)
    for group in found.groups:
        table.add_row(
            group.split,
            group.kind,
            str(group.count),
            str(group.masked) if group.masked else "",
            _most(group.sizes),
            _most(group.modes),
            str(group.brightness or ""),
            str(group.sharpness or ""),
        )
    console.print(table)
    console.print("Brightness and sharpness: from where to where nine in ten images lie.\n")
    _print_acquisitions(found, console)
    _print_findings(found, console)


def _print_acquisitions(found: "Survey", console: "Console") -> None:
    from rich.table import Table

    table = Table("acquisition", "good images", "files of", box=None, pad_edge=False)
    for one in found.acquisitions:
        table.add_row(one.shown_name or "-", str(one.images), one.days)
    if found.acquisitions:
        console.print(table)
        console.print()


def _print_findings(found: "Survey", console: "Console") -> None:
    for finding in found.findings:
        console.print(f"{finding.severity}: {finding.text}", soft_wrap=True)
        for example in finding.examples:
            console.print(f"    {example}", soft_wrap=True)
        if finding.count > len(finding.examples) > 0:
            console.print("    ...")
        console.print(f"  next: {finding.fix}", soft_wrap=True)
    if not found.valid:
        console.print("An evaluation on this data set is not valid: see the errors above.")
    elif not found.findings:
        console.print("Nothing to find fault with.")


def _most(counts: "Mapping[str, int]") -> str:
    """The most common, and how many others there are."""
    if not counts:
        return "-"
    first = next(iter(counts))
    return first if len(counts) == 1 else f"{first} +{len(counts) - 1}"
