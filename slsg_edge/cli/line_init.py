"""`slsg-edge line init`: a commented `line.toml` from flags or from questions."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.text import say, tell

if TYPE_CHECKING:
    from slsg_edge.line.settings.composing import NewLine, NewStation
    from slsg_edge.line.settings.line import LineSettings


def line_init(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="To write.")] = Path("line.toml"),
    source: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE", help="A camera, a URL, drop:FOLDER; once for each station."),
    ] = None,
    bundle: Annotated[
        list[Path] | None,
        typer.Option(metavar="BUNDLE", help="One for all stations, or one for each."),
    ] = None,
    station: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Of each station; else after the bundle."),
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="Of the line.")] = "",
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="For verdicts and pictures.")
    ] = None,
    trigger: Annotated[
        str, typer.Option(metavar="KIND", help="every_frame, interval, mqtt, modbus or still.")
    ] = "every_frame",
    every_ms: Annotated[
        int | None, typer.Option(metavar="MS", help="Of the trigger interval.")
    ] = None,
    topic: Annotated[str, typer.Option(metavar="TOPIC", help="Of the trigger mqtt.")] = "",
    coil: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Of the trigger modbus; the next stations have the next ones."
        ),
    ] = None,
    http: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the page is served.")] = "",
    token: Annotated[str, typer.Option(metavar="TEXT", help="Of the page: ${NAME} or @FILE.")] = "",
    mqtt: Annotated[str, typer.Option(metavar="HOST[:PORT]", help="A broker.")] = "",
    modbus: Annotated[
        str, typer.Option(metavar="[HOST:]PORT", help="Where a PLC reads Modbus TCP.")
    ] = "",
    opcua: Annotated[str, typer.Option(metavar="[HOST:]PORT", help="Where OPC UA is served.")] = "",
    webhook: Annotated[str, typer.Option(metavar="URL", help="That gets each verdict.")] = "",
    json_lines: Annotated[
        Path | None, typer.Option(metavar="FILE", help="That each verdict is written to.")
    ] = None,
) -> None:
    """Write a line.toml with a sentence for each key; without --source it asks, on a terminal."""
    from slsg_edge.line.settings.composing import NewLine, require_new, write_line

    require_new(path)
    if source or bundle:
        settings = _trigger(trigger, every_ms, topic)
        stations = _stations(source or [], bundle or [], station or [], settings, coil)
        new = NewLine(stations, name, folder, http, token, mqtt, modbus, opcua, webhook, json_lines)
    else:
        new = _asked()
    _say_written(path, write_line(path, new))


def _say_written(path: Path, settings: "LineSettings") -> None:
    import shlex

    from slsg_edge.line.settings.secrets import warnings_of

    tell(f"written: {path}")
    for warning in warnings_of(settings):
        say(f"warning: {warning}")
    for station in settings.station:
        if not station.bundle.is_dir():
            say(f"note: there is no bundle {station.bundle} yet")
    say(f"next: slsg-edge line check {shlex.quote(str(path))}")


def _trigger(kind: str, every_ms: int | None, topic: str) -> dict[str, object]:
    given = {"every_ms": every_ms, "topic": topic or None}
    return {"kind": kind, **{key: value for key, value in given.items() if value is not None}}


def _stations(
    sources: Sequence[str],
    bundles: Sequence[Path],
    names: Sequence[str],
    trigger: dict[str, object],
    coil: int | None,
) -> "list[NewStation]":
    from slsg_edge.config import require
    from slsg_edge.line.settings.composing import NewStation

    require(bool(sources), "Nothing says what to inspect.", "Add --source, as in --source 0.")
    require(
        len(bundles) in (1, len(sources)),
        f"There are {len(sources)} --source and {len(bundles)} --bundle.",
        "Give one --bundle for all of them, or one for each.",
    )
    require(
        len(names) in (0, len(sources)),
        f"There are {len(sources)} --source and {len(names)} --station.",
        "Give a --station for each, or none.",
    )
    bundles = [*bundles] * len(sources) if len(bundles) == 1 else bundles
    return [
        NewStation(
            source,
            bundle,
            names[number] if names else "",
            trigger if coil is None else {**trigger, "coil": coil + number},
        )
        for number, (source, bundle) in enumerate(zip(sources, bundles, strict=True))
    ]


def _asked() -> "NewLine":
    """What a person answers; ConfigError where nobody is there to be asked."""
    from slsg_edge.config import require
    from slsg_edge.line.settings.composing import NewLine

    require(
        _on_terminal(),
        "Nothing says what to inspect, and there is no terminal to ask on.",
        "Add --source and --bundle, as in: slsg-edge line init --source 0 --bundle bottles.slsg",
    )
    stations = [_asked_station()]
    while typer.confirm("Another station?", default=False, err=True):
        stations.append(_asked_station())
    return NewLine(
        stations,
        mqtt=_ask("MQTT broker, HOST:PORT; empty for none", ""),
        modbus=_ask("Port for a PLC to read Modbus TCP, as 5020; empty for none", ""),
        opcua=_ask("Port for OPC UA, as 4840; empty for none", ""),
        webhook=_ask("URL that gets each verdict; empty for none", ""),
    )


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _asked_station() -> "NewStation":
    from slsg_edge.line.settings.composing import NewStation

    source = _ask("Source: a camera (0), a URL, drop:FOLDER, a film", None)
    bundle = Path(_ask("Bundle", None))
    name = _ask("Name of the station; empty takes the bundle's", "")
    trigger: dict[str, object] = {"kind": _asked_kind()}
    if trigger["kind"] == "mqtt":
        trigger["topic"] = _ask("Topic that asks for a verdict", None)
    if trigger["kind"] == "modbus":
        trigger["coil"] = typer.prompt("Coil that asks for a verdict", default=0, err=True)
    if trigger["kind"] == "interval":
        trigger["every_ms"] = typer.prompt("Every so many milliseconds", default=1000, err=True)
    return NewStation(source, bundle, name, trigger)


def _asked_kind() -> str:
    """Once more for what is no kind of trigger."""
    from slsg_edge.line.settings.checking import TRIGGER_KEYS

    kinds = ", ".join(TRIGGER_KEYS)
    while (kind := _ask(f"When to inspect: {kinds}", "every_frame")) not in TRIGGER_KEYS:
        say(f"{kind} is none of: {kinds}.")
    return kind


def _ask(question: str, default: str | None) -> str:
    return str(typer.prompt(question, default=default, err=True, show_default=bool(default)))
