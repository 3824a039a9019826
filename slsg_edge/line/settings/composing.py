"""Settings of a new line from what a person says on the command line or when asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slsg_edge.config import require
from slsg_edge.errors import ConfigError
from slsg_edge.line.settings.checking import check_line
from slsg_edge.line.settings.line import LineSettings
from slsg_edge.line.settings.places import beside, source_beside
from slsg_edge.line.settings.reading import line_from_tables
from slsg_edge.line.settings.writing import line_text, path_from
from slsg_edge.storage import write_new


@dataclass(frozen=True, slots=True)
class NewStation:
    """trigger: its table, with `kind`."""

    source: str
    bundle: Path
    name: str = ""
    trigger: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewLine:
    """Places are HOST, HOST:PORT or :PORT; an empty one is none.

    folder: of the line. token: of the page.
    """

    stations: Sequence[NewStation]
    name: str = ""
    folder: Path | None = None
    http: str = ""
    token: str = ""
    mqtt: str = ""
    modbus: str = ""
    opcua: str = ""
    webhook: str = ""
    json_lines: Path | None = None


def require_new(path: Path) -> None:
    """ConfigError where there is a file already; also before anybody is asked anything."""
    require(
        not path.exists() and not path.is_symlink(),
        f"{path} is there already, and nothing is overwritten.",
        f"Change it in an editor, or give another name, as in {path.stem}-2.toml.",
    )


def write_line(path: Path, new: NewLine) -> LineSettings:
    """Writes `path` and gives what it says. ConfigError where it is there already, and for what
    `line.toml` may not say; nothing is written then.
    """
    require_new(path)
    settings = line_from_tables(_tables(new, path.parent), str(path))
    whole = beside(settings, path.absolute().parent)
    check_line(whole, str(path))
    write_new(path, line_text(settings).encode())
    return whole


def _tables(new: NewLine, home: Path) -> dict[str, object]:
    """As TOML would give them; what was not said is left out."""
    http = {**_place(new.http, "--http"), **_given(token=new.token)}
    tables: dict[str, Any] = {
        **_given(name=new.name, folder=new.folder and str(path_from(new.folder, home))),
        "station": _stations(new.stations, home),
        **_given(http=http),
    }
    for kind in ("mqtt", "modbus", "opcua"):
        if place := _place(getattr(new, kind), f"--{kind}"):
            tables[kind] = [place]
    if new.webhook:
        tables["webhook"] = [{"url": new.webhook}]
    if new.json_lines:
        tables["json_lines"] = [{"path": str(Path.cwd() / new.json_lines)}]
    return tables


def _stations(stations: Sequence[NewStation], home: Path) -> list[dict[str, object]]:
    names: list[str] = []
    for station in stations:
        names.append(station.name or _free_name(station.bundle.resolve().stem, names))
    return [
        {
            "name": name,
            "source": _source(station.source, home),
            "bundle": str(path_from(station.bundle, home)),
            **_given(trigger=station.trigger),
        }
        for name, station in zip(names, stations, strict=True)
    ]


def _free_name(stem: str, taken: Sequence[str]) -> str:
    """Of a bundle as a station may be called: `bottles`, then `bottles-2`."""
    plain = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in stem)
    plain = plain.strip("-")[:60] or "station"
    names = (plain if number == 1 else f"{plain}-{number}" for number in range(1, 1000))
    return next(name for name in names if name not in taken)


def _source(source: str, home: Path) -> str:
    """A path is meant from where the command runs, and is written from where the file is."""
    whole = source_beside(source, Path.cwd())
    if whole == source:
        return source
    mark = next((mark for mark in ("@", "drop:") if whole.startswith(mark)), "")
    return f"{mark}{path_from(Path(whole.removeprefix(mark)), home)}"


def _place(text: str, option: str) -> dict[str, object]:
    """Host and port of HOST, HOST:PORT, :PORT or PORT."""
    text = f":{text}" if text.isdecimal() else text
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _no_place(text, option) from error
    if parts.path or parts.query or "@" in text:
        raise _no_place(text, option)
    return _given(host=host, port=port)


def _no_place(text: str, option: str) -> ConfigError:
    return ConfigError(f"{option} is no HOST:PORT.", fix="Give it as in 192.168.1.5:1883.")


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value not in (None, "", {})}
