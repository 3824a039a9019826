"""Frozen dataclasses from TOML and JSON, strictly: an unknown key or a wrong type is an error.

Files may come from anywhere, so they are read within a limit. Knows no setting by name. The
settings of a thing stand in a dataclass beside that thing.
"""

import codecs
import dataclasses
import difflib
import json
import math
import os
import stat
import sys
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar

from slsg_edge.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Settings = TypeVar("Settings")

_LONGEST_JSON = 64 * 2**20  # bytes: the record of 100,000 images takes 16 MB
_SMALL = 2**20  # bytes: what the system makes up has no size of its own
_BYTES_OF_A_VALUE = 16  # at least, on the average of what may be as large as its limit
_LONGEST_TOML = 2**20  # bytes: settings take a few hundred
_SHOWN = 80  # characters of a text in a message
_AS_UTF_8 = "Save it as UTF-8 again; in Notepad: Save as, Encoding, UTF-8."


def read_toml(path: Path) -> dict[str, object]:
    """The tables of a TOML file; ConfigError names the line that does not parse."""
    try:
        content = read_regular(path, _LONGEST_TOML).removeprefix(codecs.BOM_UTF8)
        if encoding := _wide_encoding(content):
            raise ConfigError(
                f"{path} is in {encoding}, and TOML is in UTF-8.",
                fix=_AS_UTF_8,
            )
        return tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not in UTF-8: {error}.", fix=_AS_UTF_8) from error
    except RecursionError as error:
        raise ConfigError(
            f"{path} is not valid TOML: it is nested too deeply.", fix="Mend the file."
        ) from error
    except ValueError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.", fix="Mend that line.") from error
    except OSError as error:
        raise ConfigError(
            f"Cannot read {path}: {error.strerror}.", fix="Check the path and its permissions."
        ) from error


def _wide_encoding(content: bytes) -> str | None:
    """By the mark at the start, or by the NUL beside each letter, which TOML never has."""
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return "UTF-16" if marked or b"\0" in content[:2] else None


def value_from_text(text: str) -> object:
    """A value as TOML has it; what is none is taken as text, so that words need no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # not TOML, a number too long, too many brackets
        return text.strip()


def json_from(content: bytes, limit: int | None = None) -> Any:
    """What JSON says; ValueError for a key that is given twice, of which readers would take either,
    for NaN and infinity, for what is nested too deeply, and for more than `limit` bytes or more
    values than so many bytes should hold.
    """
    if limit is not None and len(content) > limit:
        raise ValueError(f"it is larger than {limit >> 20} MiB")
    if limit is not None:
        _require_few_values(content, limit // _BYTES_OF_A_VALUE)
    try:
        return json.loads(content, parse_constant=_refuse, object_pairs_hook=_once_each)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _require_few_values(content: bytes, most: int) -> None:
    """Before anything is parsed, since 16 MB of empty lists would take half a gigabyte."""
    if sum(map(content.count, (b",", b"[", b"{"))) > most:
        raise ValueError(f"it holds more than {most} values")


def read_json(path: Path) -> Any:
    """What `json_from` says of an ordinary file; OSError or ValueError."""
    return json_from(read_regular(path, _LONGEST_JSON))


def open_regular(path: Path, limit: int) -> BinaryIO:
    """An ordinary file of at most `limit` bytes, to read. OSError for one that cannot be opened,
    ValueError, which says why, for a pipe, a device or a larger file: reading it might never end.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise ValueError("it is no ordinary file")
        if state.st_size > limit:
            raise ValueError(f"it is larger than {limit >> 20} MiB")
    except ValueError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, limit: int, at_most: int | None = None) -> bytes:
    """The content of such a file, or its beginning; OSError or ValueError as `open_regular`."""
    with open_regular(path, limit) as file:
        if at_most is not None:
            return file.read(at_most)
        # room for all that is asked for is taken at once, so no more than there is
        return file.read(min(limit, max(os.fstat(file.fileno()).st_size, _SMALL)))


def settings_from_table(
    cls: type[Settings], table: Mapping[str, object], where: str, base: Settings | None = None
) -> Settings:
    """`cls` filled from `table`; what the table leaves out comes from `base` or the defaults.

    `where` names the table in errors, as in `juice.toml [synthesis]`.
    """
    base = _defaults(cls) if base is None else base
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in table:
        if key not in fields:
            raise unknown_name(key, fields, what=f"key in {where}")
    values = {
        key: _value(hints[key], value, f"{where}.{key}", getattr(base, key, None))
        for key, value in table.items()
    }
    try:
        return dataclasses.replace(base, **values) if base is not None else cls(**values)  # type: ignore[type-var]
    except TypeError as error:
        raise ConfigError(f"{where}: {error}.", fix="Add the missing key.") from error


def value_as(hint: Any, value: object, where: str) -> Any:
    """One value of a table, checked against a type hint; `where` names the key in errors."""
    return _value(hint, value, where, None)


def without_none(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table of JSON as TOML would have it, which has no null; tables in lists too."""
    return {key: _plain(value) for key, value in table.items() if value is not None}


def require(valid: bool, what: str, fix: str) -> None:
    """ConfigError unless `valid`; for `__post_init__` of settings."""
    if not valid:
        raise ConfigError(what, fix=fix)


def require_shares(where: str, *values: float) -> None:
    """Probabilities, weights of a mixture and places in an image lie in 0 to 1."""
    wrong = [value for value in values if not 0 <= value <= 1]
    require(not wrong, f"{where} is {wrong and wrong[0]}.", "Give a number from 0 to 1.")


def unknown_name(name: str, known: typing.Iterable[str], *, what: str) -> ConfigError:
    """The error for a name that nobody knows, with the nearest known one."""
    names = sorted(known)
    near = difflib.get_close_matches(name[:_SHOWN], names, n=1)
    fix = f"Did you mean '{near[0]}'? " if near else ""
    return ConfigError(f"Unknown {what}: '{_cut(name)}'.", fix=f"{fix}Known: {', '.join(names)}.")


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _shown(value: object) -> str:
    try:
        return _cut(repr(value))
    except (ValueError, RecursionError):  # a number of thousands of digits, a deep list
        return "too much to show"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")  # no score would ever be above NaN


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for name, value in pairs:
        if name in table:
            raise ValueError(f"the key '{_cut(name)}' is given twice")
        table[name] = value
    return table


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_none(value)
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _defaults(cls: type[Settings]) -> Settings | None:
    """None for a dataclass that cannot be made without arguments."""
    try:
        return cls()
    except TypeError:
        return None


def _value(hint: Any, value: object, where: str, base: Any) -> Any:
    """`value` checked against a type hint; ints widen to float, lists become tuples."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _value(_member(arguments, value), value, where, base)
    if origin is Literal:
        if value not in arguments:
            raise unknown_name(str(value), map(str, arguments), what=f"value of {where}")
        return value
    if origin is tuple and isinstance(value, list | tuple):
        return _items(arguments, list(value), where)
    if origin is Mapping and isinstance(value, dict):
        return {
            key: _value(arguments[1], item, f"{where}.{key}", None) for key, item in value.items()
        }
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return settings_from_table(typing.cast("type[Any]", hint), value, where, base)
    return _scalar(hint, value, where)


def _member(members: tuple[Any, ...], value: object) -> Any:
    """Of a union, the one that `value` is of; else the first, whose error is the one to show."""
    given = [member for member in members if member is not type(None)]
    return next((member for member in given if type(value) is member), given[0])


def _items(arguments: tuple[Any, ...], value: list[object], where: str) -> tuple[Any, ...]:
    if arguments[-1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    if len(arguments) != len(value):
        raise ConfigError(
            f"{where} has {len(value)} values.", fix=f"Give exactly {len(arguments)}."
        )
    return tuple(
        _value(hint, item, f"{where}[{index}]", None)
        for index, (hint, item) in enumerate(zip(arguments, value, strict=True))
    )


def _scalar(hint: Any, value: object, where: str) -> Any:
    if hint is float and type(value) is int:
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where} is {value}.", fix="Give a finite number.")
    # type() and not isinstance: true is no number
    if type(value) is not hint:
        expected = "table" if dataclasses.is_dataclass(hint) else _name_of(hint)
        raise ConfigError(
            f"{where} is {_shown(value)}, a {type(value).__name__}.", fix=f"Give a {expected}."
        )
    return value


def _name_of(hint: Any) -> str:
    return getattr(hint, "__name__", str(hint))
