"""A record as a row of the database, and back."""

import json
import math
import typing
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from slsg_edge.contracts import Outcome
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.records import Record, json_line

_KEYS = frozenset(field.name for field in fields(Record))
_OUTCOMES = frozenset(typing.get_args(Outcome))
_LARGEST = 2**63
_TEXTS = ("origin", "captured_at", "verdict", "bundle", "id", "station")
_TEXTS_OR_NONE = ("reason", "detail", "image")
_COUNTS = ("index", "sequence", "version")
_NUMBERS = ("captured_monotonic", "age_ms", *_COUNTS)
_NUMBERS_OR_NONE = ("score", "threshold", "p_value")
# What reading the text of a record raises that this version did not write.
DAMAGE = (ValueError, TypeError, AttributeError, KeyError, RecursionError)


def text_of(record: Record) -> str:
    """Its JSON; what JSON does not know, as NaN or a number of NumPy, is null or a text then."""
    try:
        return json_line(record).rstrip("\n")
    except (TypeError, ValueError):
        return json.dumps(_plain(asdict(record)), allow_nan=False)


def record_from(text: str) -> Record:
    """Without keys that a newer version wrote; those that an older one lacked have defaults.

    Any of DAMAGE for what is no record.
    """
    content = {key: value for key, value in json.loads(text).items() if key in _KEYS}
    record = Record(**{**content, "drift": tuple(content.get("drift") or ())})
    _require_plain(record)
    return record


def stored_from(position: int, text: str, verdict_id: str, station: str) -> Stored:
    """A verdict that was damaged on the disk is undecided, and says so: it holds up no other."""
    try:
        return Stored(position, record_from(text))
    except DAMAGE:
        return Stored(position, _damaged(str(verdict_id), str(station)))


def _damaged(verdict_id: str, station: str) -> Record:
    return Record(
        index=0,
        origin="",
        captured_at="1970-01-01T00:00:00.000+00:00",
        captured_monotonic=0.0,
        age_ms=0.0,
        verdict="undecided",
        score=None,
        threshold=None,
        p_value=None,
        reason="unreadable",
        detail="the stored verdict is damaged",
        latency_ms={},
        bundle="",
        id=verdict_id,
        station=station,
    )


def _require_plain(record: Record) -> None:
    """ValueError for what has another type: whoever takes the record would stumble over it."""
    texts = [getattr(record, name) for name in _TEXTS]
    texts += [text for name in _TEXTS_OR_NONE if (text := getattr(record, name)) is not None]
    numbers = [getattr(record, name) for name in _NUMBERS]
    numbers += [one for name in _NUMBERS_OR_NONE if (one := getattr(record, name)) is not None]
    numbers += [one for one in record.latency_ms.values() if one is not None]
    if not all(isinstance(text, str) for text in (*texts, *record.drift)):
        raise ValueError("a text is none")
    if not all(type(one) in (int, float) and abs(one) < _LARGEST for one in numbers):
        raise ValueError("a number is none")
    if not all(type(getattr(record, name)) is int for name in _COUNTS):
        raise ValueError("a count is none")
    if record.verdict not in _OUTCOMES:
        raise ValueError("there is no such verdict")


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
