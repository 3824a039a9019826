"""From `line.toml` to settings: strictly, and every error names the file, the table and the key."""

import dataclasses
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slsg_edge.config import read_toml, settings_from_table, unknown_name, value_as
from slsg_edge.errors import ConfigError
from slsg_edge.line.settings.bounds import require_bounds
from slsg_edge.line.settings.checking import check_line, check_trigger_keys
from slsg_edge.line.settings.line import LineSettings, StationSettings
from slsg_edge.line.settings.places import beside
from slsg_edge.line.settings.tables import table_name

_HINTS = typing.get_type_hints(LineSettings)


def read_line(path: Path) -> LineSettings:
    """The settings of a line, checked; relative paths are taken beside the file.

    ConfigError names the table and the key, and for an unknown one the nearest that is known.
    """
    settings = line_from_tables(read_toml(path), str(path))
    settings = beside(settings, path.absolute().parent)
    check_line(settings, str(path))
    return settings


def line_from_tables(tables: Mapping[str, object], file: str) -> LineSettings:
    """What the tables of a file say, key by key; not yet whether they fit together."""
    for key in tables:
        if key not in _HINTS:
            raise unknown_name(key, _HINTS, what=f"key in {file}")
    _require_stations(tables, file)
    values = {key: _part(key, value, file) for key, value in tables.items()}
    settings = LineSettings(**values)
    require_bounds(settings, file, joint=" ")
    return settings


def _require_stations(tables: Mapping[str, object], file: str) -> None:
    if not tables.get("station"):
        raise ConfigError(
            f"{file} has no station, so nothing would be inspected.",
            fix="Add a [[station]] table with name, source and bundle, or let `slsg-edge line "
            "init` write the file.",
        )


def _part(key: str, value: object, file: str) -> Any:
    """A table, a list of tables or a single value."""
    hint = _HINTS[key]
    if typing.get_origin(hint) is tuple:
        return tuple(_items(key, value, typing.get_args(hint)[0], file))
    if dataclasses.is_dataclass(hint):
        return _table(typing.cast("type[Any]", hint), value, f"{file} [{key}]")
    return value_as(hint, value, f"{file} {key}")


def _items(key: str, value: object, kind: type[Any], file: str) -> list[Any]:
    tables = value if isinstance(value, list) else [None]
    if not all(isinstance(table, Mapping) for table in tables):
        raise ConfigError(
            f"{file} has `{key}` as something else than a list of tables.",
            fix=f"Write [[{key}]] with two brackets on each side, once for each.",
        )
    return [
        _table(kind, table, table_name(file, key, table.get("name"), number))
        for number, table in enumerate(tables, 1)
    ]


def _table(kind: type[Any], value: object, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} is no table.", fix="Write it in brackets, on its own line.")
    if kind is StationSettings:
        check_trigger_keys(value.get("trigger"), where)
    made = settings_from_table(kind, _complete(kind, value, where), where)
    require_bounds(made, where)
    return made


def _complete(kind: type[Any], table: Mapping[str, object], where: str) -> Mapping[str, object]:
    """The table; ConfigError names the key that it lacks, unless another one is misspelt."""
    fields = dataclasses.fields(kind)
    needed = [one.name for one in fields if one.default is dataclasses.MISSING]
    missing = [name for name in needed if name not in table]
    unknown = table.keys() - {one.name for one in fields}
    if missing and not unknown:
        raise ConfigError(f"{where} has no {missing[0]}.", fix=f'Add {missing[0]} = "…".')
    return table
