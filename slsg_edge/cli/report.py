"""`slsg-edge report`: what happened on a line, as a page and a table."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from slsg_edge.cli.options import AsJson
from slsg_edge.cli.text import say, tell


def report(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A line.toml.")] = Path("line.toml"),
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="06:00, 2026-11-30 or both; else midnight."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="As --from; else now.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="HTML", help="The page.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--csv", metavar="CSV", help="The table of all verdicts.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Report on a shift of a line: counts, rejects, downtime, drift, what judged; HTML and CSV.

    Both are written beside you and named after the line and the start, unless you say otherwise.
    The line may run meanwhile.
    """
    from slsg_edge.line.settings.reading import read_line
    from slsg_edge.line.shift.period import period_of
    from slsg_edge.reports.place import require_place
    from slsg_edge.reports.shift_files import write_shift

    settings = read_line(path)
    now = datetime.now().astimezone()
    since, until = period_of(start, end, now)
    stem = f"{settings.name}-{since:%Y-%m-%dT%H%M}"
    page, rows = output or Path(f"{stem}.html"), table or Path(f"{stem}.csv")
    for place in (page, rows):
        require_place(place)
    shift = write_shift(settings, (since, until), page, rows)
    counts = {one.name: {**one.counts} for one in shift.stations}
    if as_json:
        import json

        tell(json.dumps({"html": str(page), "csv": str(rows), "stations": counts}))
        return
    for name, each in counts.items():
        shown = ", ".join(f"{count} {verdict}" for verdict, count in sorted(each.items()))
        tell(f"{name}: {shown or 'no part'}")
    say(f"written: {page} and {rows}")
