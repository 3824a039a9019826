"""The keys of `line.toml` as tables for the documentation."""

import dataclasses
import typing
from collections.abc import Iterator
from typing import Any

from slsg_edge.line.settings.line import LineSettings
from slsg_edge.line.settings.writing import toml_value


def reference_text() -> str:
    """A table of Markdown for each table of the file."""
    return "\n".join(_tables(LineSettings, "")).strip() + "\n"


def _tables(kind: type[Any], path: str, heading: str = "Above all tables") -> Iterator[str]:
    hints = typing.get_type_hints(kind)
    inner = []
    rows = []
    for one in dataclasses.fields(kind):
        hint = hints[one.name]
        item = typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else hint
        if dataclasses.is_dataclass(item):
            brackets = f"[[{path}{one.name}]]" if item is not hint else f"[{path}{one.name}]"
            inner.append((item, f"{path}{one.name}.", f"`{brackets}`"))
        else:
            rows.append(_row(one))
    yield from (f"**{heading}**", "", "| key | default | what it does |", "| --- | --- | --- |")
    yield from rows
    for item, inside, name in inner:
        yield ""
        yield from _tables(typing.cast("type[Any]", item), inside, name)


def _row(one: "dataclasses.Field[Any]") -> str:
    text = one.metadata["text"].replace("|", "\\|")
    return f"| `{one.name}` | {_default(one.default)} | {text}{_range(one)} |"


def _default(value: Any) -> str:
    if value is dataclasses.MISSING:
        return "must be given"
    return "" if value in (None, (), "") else f"`{toml_value(value)}`"


def _range(one: "dataclasses.Field[Any]") -> str:
    least, most = one.metadata["least"], one.metadata["most"]
    if least is None:
        return ""
    return f" {least:g} to {most:g}." if most is not None else f" At least {least:g}."
