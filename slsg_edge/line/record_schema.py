"""The JSON Schema of a verdict, made from `Record`, with the sentence that says what each field is.

Every sink that gives a verdict as JSON gives what this describes; `version` in it is the schema's.
"""

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from slsg_edge.contracts import Json
from slsg_edge.line.records import VERSION, Record

FILE = "verdict.schema.json"  # beside this module
_DRAFT = "https://json-schema.org/draft/2020-12/schema"

TEXTS: Mapping[str, str] = {
    "index": "number of the frame since the source was opened, from 0",
    "origin": "the file, or the camera or stream without user and password",
    "captured_at": "when the frame was taken, UTC; the wall clock may jump",
    "captured_monotonic": "the same in seconds of a clock that does not jump, since the machine "
    "started",
    "age_ms": "how old the frame was at the verdict, in milliseconds of that clock",
    "verdict": "`good`, `anomalous` or `undecided`",
    "score": "0 to 1; null where the frame was not inspected",
    "threshold": "scores above it are anomalous; null where the frame was not inspected",
    "p_value": "how often a good part scores at least as high, as far as the n good images of the "
    "calibration can show: never below 1 / (n + 1); null without them",
    "reason": "why it is `undecided`, a word for programs; null for the others",
    "detail": "the same as a sentence for people",
    "latency_ms": "milliseconds of its stages: `detect`, `judge`",
    "bundle": "a fingerprint of the bundle and the region of interest: it changes with the model "
    "and the threshold",
    "id": "unlike that of any other verdict (UUID version 7); the same verdict has the same one in "
    "every sink and after every restart",
    "station": "its name in line.toml; empty in a watch of one camera",
    "sequence": "counts the verdicts of a station from 1, also across restarts: a gap is a verdict "
    "that was lost; 0 in a watch of one camera",
    "image": "the kept picture, in the folder of the line; null where none is kept",
    "drift": "what of good parts no longer is as it was: `score`, `brightness`, `sharpness` or "
    "`position`",
    "version": "of the schema of a verdict",
}
_SHARES = frozenset({"score", "threshold", "p_value"})
_FORMATS: Mapping[str, str] = {"captured_at": "date-time"}
_PLAIN: Mapping[Any, str] = {int: "integer", float: "number", str: "string", type(None): "null"}


def record_schema() -> dict[str, Json]:
    """The schema as JSON. A newer version may add fields, so others are allowed."""
    hints = typing.get_type_hints(Record)
    return {
        "$schema": _DRAFT,
        "title": f"A verdict of slsg-edge, version {VERSION}",
        "description": "A frame that was not inspected, whole and fresh, is never good.",
        "type": "object",
        "properties": {one.name: _field(one.name, hints[one.name]) for one in fields(Record)},
        "required": [one.name for one in fields(Record)],
        "allOf": [_judged(), _undecided()],
    }


def record_schema_text() -> str:
    """As it is shipped."""
    return json.dumps(record_schema(), indent=1, ensure_ascii=False) + "\n"


def record_schema_file() -> Path:
    """Where the shipped one is."""
    return Path(str(files("slsg_edge.line").joinpath(FILE)))


def _field(name: str, hint: Any) -> Json:
    schema = _type(hint)
    if name in _SHARES:
        schema |= {"minimum": 0, "maximum": 1}
    if name in _FORMATS:
        schema["format"] = _FORMATS[name]
    if name == "version":
        schema = {"const": VERSION}
    return {**schema, "description": TEXTS[name]}


def _type(hint: Any) -> dict[str, Json]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _either(arguments)
    if origin is Literal:
        return {"enum": [*arguments]}
    if origin is tuple:
        return {"type": "array", "items": _type(arguments[0])}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _type(arguments[1])}
    return {"type": _PLAIN[hint]}


def _either(arguments: tuple[Any, ...]) -> dict[str, Json]:
    """Something, or null."""
    something = _type(next(each for each in arguments if each is not type(None)))
    if "enum" in something:
        return {"enum": [*typing.cast("list[Json]", something["enum"]), None]}
    return {"type": [something["type"], "null"]}


def _judged() -> Json:
    """A part that is good or anomalous was scored against a threshold."""
    number: Json = {"type": "number"}
    return {
        "if": {"properties": {"verdict": {"enum": ["good", "anomalous"]}}},
        "then": {"properties": {"score": number, "threshold": number, "reason": {"type": "null"}}},
    }


def _undecided() -> Json:
    return {
        "if": {"properties": {"verdict": {"const": "undecided"}}},
        "then": {"properties": {"reason": {"type": "string"}}},
    }
