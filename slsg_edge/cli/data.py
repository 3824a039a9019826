"""`slsg-edge data`: reads a data set once and says what is there and what is wrong with it."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson, Verbose
from slsg_edge.cli.text import plain_console, tell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from slsg_edge.data.survey.finding import Finding
    from slsg_edge.data.survey.survey import Survey

MOST_GROUPS, MOST_ACQUISITIONS, MOST_FINDINGS = 6, 2, 3  # of a screen


def data_command(
    data: Annotated[
        Path, typer.Argument(metavar="DIR", help="A data set, a folder of images or a list.")
    ],
    as_json: AsJson = False,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Write a contact sheet.")
    ] = None,
    verbose: Verbose = False,
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
        _print(found, data, verbose)
    if not found.valid:
        raise typer.Exit(1)


def _print(found: "Survey", data: Path, verbose: bool) -> None:
    from slsg_edge.data.survey.finding import shown

    console = plain_console()
    dataset = found.dataset
    folder = shown(dataset.folder, Path())
    console.print(f"{_result(found)}: {folder}, {len(dataset.samples)} images", soft_wrap=True)
    console.print(f"layout {dataset.layout}: {dataset.why}", soft_wrap=True)
    _print_groups(found, console, verbose)
    if verbose or len(found.acquisitions) > 1:
        _print_acquisitions(found, console, verbose)
    _print_findings(found, console, verbose)
    _print_next(found, data, console)


def _result(found: "Survey") -> str:
    """As `valid, 1 warning, 2 notes`."""
    severities = [finding.severity for finding in found.findings]
    counts = ((severities.count(name), name) for name in dict.fromkeys(severities))
    parts = [f"{count} {name}{'s' if count > 1 else ''}" for count, name in counts]
    return ", ".join(["valid" if found.valid else "not valid", *parts])


def _print_groups(found: "Survey", console: "Console", verbose: bool) -> None:
    from rich.table import Table

    heads = ("split", "kind", "images", "masks", "size", "mode", "brightness", "sharpness")
    table = Table(*heads, box=None, pad_edge=False)
    groups = found.groups if verbose else found.groups[:MOST_GROUPS]
    for group in groups:
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
    if more := len(found.groups) - len(groups):
        console.print(f"and {more} more kinds: -v shows all")
    if verbose:
        console.print("Brightness and sharpness: from where to where nine in ten images lie.")


def _print_acquisitions(found: "Survey", console: "Console", verbose: bool) -> None:
    from rich.table import Table

    table = Table("acquisition", "good images", "files of", box=None, pad_edge=False)
    shown = found.acquisitions if verbose else found.acquisitions[:MOST_ACQUISITIONS]
    for one in shown:
        table.add_row(one.shown_name or "-", str(one.images), one.days)
    if shown:
        console.print(table)
    if more := len(found.acquisitions) - len(shown):
        console.print(f"and {more} more acquisitions: -v shows all")


def _print_findings(found: "Survey", console: "Console", verbose: bool) -> None:
    """Every error; of the rest what a screen has room for."""
    errors = sum(finding.severity == "error" for finding in found.findings)
    most = len(found.findings) if verbose else max(errors, MOST_FINDINGS)
    for finding in found.findings[:most]:
        if verbose or finding.severity == "error":
            _print_in_full(finding, console)
        else:
            example = f", as {finding.examples[0]}" if finding.examples else ""
            console.print(f"{finding.severity}: {finding.text}{example}", soft_wrap=True)
        console.print(f"  next: {finding.fix}", soft_wrap=True)
    if len(found.findings) > most:
        console.print(f"and {len(found.findings) - most} more findings: -v shows all")


def _print_in_full(finding: "Finding", console: "Console") -> None:
    console.print(f"{finding.severity}: {finding.text}", soft_wrap=True)
    for example in finding.examples:
        console.print(f"    {example}", soft_wrap=True)
    if finding.count > len(finding.examples) > 0:
        console.print("    ...")


def _print_next(found: "Survey", data: Path, console: "Console") -> None:
    from slsg_edge.contracts import GOOD

    if not found.valid:
        console.print("An evaluation on this data set is not valid: see the errors above.")
        return
    if not found.findings:
        console.print("Nothing to find fault with.")
    if not any(group.split == "train" and group.kind == GOOD for group in found.groups):
        console.print(
            "next: Put photos of good parts into train/good; there are none to learn from."
        )
        return
    path = shlex.quote(str(data))
    console.print(f"next: slsg-edge start {path}", soft_wrap=True)


def _most(counts: "Mapping[str, int]") -> str:
    """The most common, and how many others there are."""
    if not counts:
        return "-"
    first = next(iter(counts))
    return first if len(counts) == 1 else f"{first} +{len(counts) - 1}"
