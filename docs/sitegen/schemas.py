"""A page for a JSON Schema: each key of the files that it describes, and what it means."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sitegen.markdown import MissingText, code, plain, table

Schema = Mapping[str, Any]


def schema_page(path: Path) -> str:
    """MissingText where a key has no description."""
    schema = json.loads(path.read_text(encoding="utf-8"))
    name = schema.get("title") or path.name.partition(".")[0]
    tables = "\n".join(_tables(schema, schema, ""))
    return f"# {plain(name)}\n\n{plain(schema.get('description', ''))}\n\n{tables}"


def _tables(given: Schema, whole: Schema, prefix: str, several: bool = False) -> Iterator[str]:
    """That of the keys here, then those of the tables below them; `several`: of each such table."""
    schema = _found(given, whole)
    keys = schema.get("properties", {})
    below = {key: one for key, given in keys.items() if (one := _table_of(given, whole))}
    rows = [_row(prefix + key, _found(keys[key], whole), schema, key) for key in keys]
    if rows:
        name = f"[[{prefix[:-1]}]]" if several else f"[{prefix[:-1]}]"
        head = f"## {plain(name)}\n\n" if prefix else ""
        yield head + table(("key", "type", "default", "what it says"), rows)
    for key, one in below.items():
        array = _found(keys[key], whole).get("type") == "array"
        yield from _tables(one, whole, f"{prefix}{key}.", array)


def _row(key: str, one: Schema, parent: Schema, own: str) -> tuple[str, str, str, str]:
    if not one.get("description"):
        raise MissingText(f"The schema does not describe `{key}`.")
    default = code(json.dumps(one["default"])) if "default" in one else ""
    if own in parent.get("required", ()):
        default = "required"
    return code(key), _type(one), default, plain(one["description"]) + _limits(one)


def _found(one: Schema, whole: Schema) -> Schema:
    """What a `$ref` within the file leads to; its own keys win."""
    if "$ref" not in one:
        return one
    target: Any = whole
    for part in one["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return {**_found(target, whole), **{key: value for key, value in one.items() if key != "$ref"}}


def _table_of(given: Schema, whole: Schema) -> Schema | None:
    """The table that a key holds, or each of several; None where it holds none."""
    one = _found(given, whole)
    for inner in (
        one,
        one.get("items", {}),
        *one.get("anyOf", ()),
        one.get("additionalProperties"),
    ):
        if isinstance(inner, Mapping) and _found(inner, whole).get("properties"):
            return _found(inner, whole)
    return None


def _type(one: Schema) -> str:
    if "enum" in one:
        values = [code(str(value)) for value in one["enum"] if value is not None]
        return f"one of {', '.join(values)}" + (" or null" if None in one["enum"] else "")
    if "const" in one:
        return code(json.dumps(one["const"]))
    kinds = one.get("type") or [_type(some) for some in one.get("anyOf", one.get("oneOf", ()))]
    words = [kinds] if isinstance(kinds, str) else list(kinds)
    if words == ["array"] and "type" in one.get("items", {}):
        return f"array of {_type(one['items'])}"
    return " or ".join(words)


def _limits(one: Schema) -> str:
    names = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most"}
    said = [f"{word} {one[key]}" for key, word in names.items() if key in one]
    return f" ({', '.join(said)})" if said else ""
