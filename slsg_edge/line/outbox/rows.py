"""A record as a row of the database, and back."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.records import Record, json_line

_KEYS = frozenset(field.name for field in fields(Record))


def text_of(record: Record) -> str:
    """Its JSON; what JSON does not know, as NaN or a number of NumPy, is null or a text then."""
    try:
        return json_line(record).rstrip("\n")
    except (TypeError, ValueError):
        return json.dumps(_plain(asdict(record)), allow_nan=False)


def record_from(text: str) -> Record:
    """Without keys that a newer version wrote; those that an older one lacked have defaults."""
    content = {key: value for key, value in json.loads(text).items() if key in _KEYS}
    return Record(**{**content, "drift": tuple(content.get("drift") or ())})


def stored_from(position: int, text: str) -> Stored:
    return Stored(position, record_from(text))


def seconds_of(captured_at: str) -> float:
    """UTC seconds; 0 for what is no time."""
    try:
        return datetime.fromisoformat(captured_at).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, bool | int | str | None):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return number if math.isfinite(number) else None
