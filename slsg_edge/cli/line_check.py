"""`slsg-edge line check`: every source, one inspected frame a station, every sink."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson
from slsg_edge.cli.text import say, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slsg_edge.line.check.answers import SinkCheck, StationCheck


def line_check(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A line.toml.")] = Path("line.toml"),
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="For a picture of each station; else beside FILE."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Try a line: open every source, inspect a frame of each, ask every sink.

    Nothing is sent to a sink, and no dropped file is taken. Exit code 1 where something does not
    answer or a station takes longer than its limit.
    """
    from dataclasses import replace

    from slsg_edge.line.check.sinks import check_sinks, stored_ms
    from slsg_edge.line.check.stations import check_station
    from slsg_edge.line.deploy.active import bundle_of
    from slsg_edge.line.settings.reading import read_line
    from slsg_edge.line.settings.secrets import warnings_of

    settings = read_line(path)
    for warning in warnings_of(settings):
        say(f"warning: {warning}")
    sinks: list[SinkCheck] = []
    for sink in check_sinks(settings):
        sinks.append(sink)
        if not as_json:
            tell(_sink_line(sink))
    durable = stored_ms(settings.folder) if sinks[0].ok else 0.0
    stations: list[StationCheck] = []
    for station in settings.station:
        station = replace(station, bundle=bundle_of(station, settings.folder))
        stations.append(check_station(station, pictures or path.absolute().parent, durable))
        if not as_json:
            tell(_station_lines(stations[-1]))
    fine = all(sink.ok for sink in sinks) and all(map(_fine, stations))
    if as_json:
        tell(_json(fine, stations, sinks))
    if not fine:
        raise typer.Exit(1)


def _fine(station: "StationCheck") -> bool:
    return station.ok and not _too_slow(station)


def _too_slow(station: "StationCheck") -> bool:
    return station.total_ms > station.limit_ms


def _sink_line(sink: "SinkCheck") -> str:
    if sink.ok:
        return f"ok     {sink.kind} {sink.name}: {sink.said}"
    return f"error  {sink.kind} {sink.name}: {sink.said}\n  next: {sink.fix}"


def _station_lines(station: "StationCheck") -> str:
    word = "ok    " if _fine(station) else "error "
    lines = [f"{word} station {station.name}: {station.said}{_score(station)}"]
    if station.latency_ms:
        stages = ", ".join(f"{stage} {ms:.1f}" for stage, ms in station.latency_ms.items())
        lines.append(
            f"  latency in ms: {stages}; {station.total_ms:.1f} of at most {station.limit_ms:.0f}"
        )
    if _too_slow(station):
        lines.append("  next: Take a faster backend or machine, or raise limits.latency_ms.")
    if station.picture:
        lines.append(f"  picture: {station.picture}")
    if station.fix:
        lines.append(f"  next: {station.fix}")
    return "\n".join(lines)


def _score(station: "StationCheck") -> str:
    if station.score is None or station.threshold is None:
        return ""
    return (
        f", score {station.score:.4g}, threshold {station.threshold:.4g}; {station.size}, "
        f"{station.backend}"
    )


def _json(fine: bool, stations: "Sequence[StationCheck]", sinks: "Sequence[SinkCheck]") -> str:
    import json
    from dataclasses import asdict

    return json.dumps(
        {"ok": fine, "stations": list(map(asdict, stations)), "sinks": list(map(asdict, sinks))}
    )
