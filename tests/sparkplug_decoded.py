"""Sparkplug B payloads as the specification (3.0, chapter 6.4) describes them, read byte by byte.

Knows nothing of what encodes them.
"""

import struct
from typing import Any

NAMES = {1: "name", 2: "alias", 3: "timestamp", 4: "datatype", 5: "is_historical", 7: "is_null"}
VALUES = {10: "int", 11: "long", 12: "float", 13: "double", 14: "boolean", 15: "string"}
# which value a metric of each type has
OF_TYPE = {3: "int", 4: "long", 8: "long", 10: "double", 11: "boolean", 12: "string"}


def decoded(content: bytes) -> dict[str, Any]:
    """timestamp, seq, and metrics: values by name."""
    found: dict[str, Any] = {"metrics": {}}
    for field, value in fields(content):
        if field == 2:
            metric = metric_of(value)
            found["metrics"][metric["name"]] = metric
        else:
            found[{1: "timestamp", 3: "seq", 4: "uuid"}[field]] = value
    return found


def metric_of(content: bytes) -> dict[str, Any]:
    metric: dict[str, Any] = {"value": None}
    for field, value in fields(content):
        if field in NAMES:
            metric[NAMES[field]] = value.decode() if field == 1 else value
            continue
        kind = VALUES[field]
        assert kind == OF_TYPE[metric["datatype"]], metric
        if kind == "string":
            value = value.decode()
        elif kind == "double":
            (value,) = struct.unpack("<d", value)
        elif kind == "boolean":
            value = bool(value)
        metric["value"] = value
    assert (metric["value"] is None) == bool(metric.get("is_null")), metric
    return metric


def fields(content: bytes) -> list[tuple[int, Any]]:
    found: list[tuple[int, Any]] = []
    at = 0
    value: Any
    while at < len(content):
        key, at = varint(content, at)
        how = key & 7
        if how == 0:
            value, at = varint(content, at)
        elif how == 1:
            value, at = content[at : at + 8], at + 8
        elif how == 2:
            length, at = varint(content, at)
            value, at = content[at : at + length], at + length
            assert len(value) == length
        else:
            raise AssertionError(f"wire type {how}")
        found.append((key >> 3, value))
    assert at == len(content)
    return found


def varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
