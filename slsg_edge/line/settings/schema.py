"""The JSON Schema of `line.toml`, for editors: made from the settings, so that it says the same."""

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from slsg_edge.contracts import Json
from slsg_edge.line.settings.checking import TRIGGER_KEYS
from slsg_edge.line.settings.line import LineSettings, TriggerSettings

FILE = "line.schema.json"  # beside this module
_DRAFT = "http://json-schema.org/draft-07/schema#"  # which editors of TOML know
_PLAIN: Mapping[type, str] = {
    bool: "boolean", int: "integer", float: "number", str: "string", Path: "string",
}  # fmt: skip


def line_schema() -> dict[str, Json]:
    """The schema as JSON."""
    return {
        "$schema": _DRAFT,
        "title": "slsg-edge line.toml",
        **_table(LineSettings),
    }


def schema_text() -> str:
    """As it is shipped."""
    return json.dumps(line_schema(), indent=1, ensure_ascii=False) + "\n"


def schema_file() -> Path:
    """Where the shipped one is, for editors on this machine."""
    return Path(str(files("slsg_edge.line.settings").joinpath(FILE)))


def _table(kind: type[Any]) -> dict[str, Json]:
    hints, fields = typing.get_type_hints(kind), dataclasses.fields(kind)
    needed: list[Json] = [one.name for one in fields if one.default is dataclasses.MISSING]
    schema: dict[str, Json] = {
        "type": "object",
        "description": (kind.__doc__ or "").partition("\n")[0],
        "additionalProperties": False,
        "properties": {one.name: _key(one, hints[one.name]) for one in fields},
    }
    if needed:
        schema["required"] = needed
    if kind is TriggerSettings:
        schema["allOf"] = [_only_of(name) for name in TRIGGER_KEYS]
    return schema


def _only_of(kind: str) -> Json:
    """A trigger of this kind has no key of another."""
    others = frozenset().union(*TRIGGER_KEYS.values()) - TRIGGER_KEYS[kind]
    is_kind: Json = {"properties": {"kind": {"const": kind}}}
    if kind != TriggerSettings().kind:
        is_kind = {"properties": {"kind": {"const": kind}}, "required": ["kind"]}
    return {"if": is_kind, "then": {"properties": dict.fromkeys(sorted(others), False)}}


def _key(one: "dataclasses.Field[Any]", hint: Any) -> Json:
    schema = _type(hint)
    schema["description"] = one.metadata["text"]
    if one.default is not dataclasses.MISSING and not dataclasses.is_dataclass(one.default):
        schema |= _default(one.default)
    bounds = {"minimum": "least", "maximum": "most", "pattern": "pattern"}
    given = {name: one.metadata[key] for name, key in bounds.items() if one.metadata[key]}
    if one.metadata["least"] == 0:
        given["minimum"] = 0
    if "pattern" in given:  # in a schema a pattern may match a part
        given["pattern"] = f"^({given['pattern']})$"
    return schema | given


def _default(value: Any) -> dict[str, Json]:
    """Nothing for none: TOML has no null."""
    if value is None or value == ():
        return {}
    return {"default": str(value) if isinstance(value, Path) else value}


def _type(hint: Any) -> dict[str, Json]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _type(next(each for each in arguments if each is not type(None)))
    if origin is Literal:
        return {"enum": [*arguments]}
    if origin is tuple:
        return _list(arguments)
    return {"type": _PLAIN[hint]} if hint in _PLAIN else _table(hint)


def _list(arguments: tuple[Any, ...]) -> dict[str, Json]:
    schema: dict[str, Json] = {"type": "array", "items": _type(arguments[0])}
    if arguments[-1] is not Ellipsis:
        schema |= {"minItems": len(arguments), "maxItems": len(arguments)}
    return schema
