"""`line.toml` as text, with the sentence of each key above it.

What has its default stands behind a # and takes effect when that is taken away.
"""

import dataclasses
import json
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slsg_edge.errors import ConfigError
from slsg_edge.line.settings.checking import TRIGGER_KEYS
from slsg_edge.line.settings.line import LineSettings, TriggerSettings
from slsg_edge.line.settings.schema import schema_file

_WIDTH = 98
# What a key without a default could be.
_EXAMPLES: Mapping[str, str] = {
    "roi": "[100, 50, 640, 480]",
    "backend": '"onnxruntime"',
    "sinks": '["mqtt"]',
    "ca_file": '"ca.pem"',
    "certificate": '"client.pem"',
    "key_file": '"client.key"',
    "still_empty": '"empty.png"',
    "root": '"root.json"',
    "drop": '"incoming"',
}


def line_text(settings: LineSettings) -> str:
    """Reads back as `settings`. ConfigError for a name that TOML cannot hold."""
    lines = [
        f"#:schema {schema_file().as_uri()}",
        "# A line of slsg-edge. After a change: slsg-edge line check FILE",
        "# A key behind # has its default; take the # away to change it.",
        "",
        *_table(settings, ""),
    ]
    return "\n".join(lines) + "\n"


def toml_value(value: object) -> str:
    """A value as TOML has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    return _quoted(str(value))


def _quoted(text: str) -> str:
    """JSON escapes as TOML does, but for DEL; bytes that are no UTF-8 have no place in either."""
    if not all(sign.isprintable() or sign == " " for sign in text):
        raise ConfigError(
            f"{text!a} holds what cannot be printed, and line.toml holds text only.",
            fix="Give it another name, or make a link to it.",
        )
    return json.dumps(text, ensure_ascii=False)


def _table(settings: Any, path: str) -> Iterator[str]:
    """Single values first, then the tables inside."""
    fields = dataclasses.fields(settings)
    skipped = _of_other_triggers(settings)
    inner = []
    for one in fields:
        value = getattr(settings, one.name)
        if dataclasses.is_dataclass(value) or _item_kind(settings, one.name):
            inner.append((one, value))
        elif one.name not in skipped:
            yield from _comment(one.metadata["text"])
            yield _line(one, value)
    for one, value in inner:
        yield from _inner(settings, one, value, f"{path}{one.name}")


def _inner(settings: Any, one: "dataclasses.Field[Any]", value: Any, path: str) -> Iterator[str]:
    """A table, or several of one kind; an example behind # where there is none."""
    kind = _item_kind(settings, one.name)
    if kind is None:
        yield from ("", *_comment(one.metadata["text"]), f"[{path}]")
        yield from _table(value, f"{path}.")
        return
    for item in value:
        yield from ("", *_comment(_first_line(kind)), f"[[{path}]]")
        yield from _table(item, f"{path}.")
    if not value:
        yield from ("", *_comment(_first_line(kind)), f"#[[{path}]]")
        yield from (line if line.startswith("#") else f"#{line}" for line in _table(kind(), ""))


def _line(one: "dataclasses.Field[Any]", value: Any) -> str:
    """What a person must see, as a name, stands there although it is the default."""
    if value is None or (value == () and one.default == ()):
        return f"#{one.name} = {_EXAMPLES[one.name]}"
    shown = value != one.default or one.name in ("name", "kind")
    return f"{'' if shown else '#'}{one.name} = {toml_value(value)}"


def _comment(text: str) -> Iterator[str]:
    for line in textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False):
        yield f"# {line}"


def _first_line(kind: type[Any]) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


def _of_other_triggers(settings: Any) -> frozenset[str]:
    """Keys that the kind of this trigger does not take."""
    if not isinstance(settings, TriggerSettings):
        return frozenset()
    return frozenset().union(*TRIGGER_KEYS.values()) - TRIGGER_KEYS[settings.kind]


def _item_kind(settings: Any, name: str) -> type[Any] | None:
    """Of a list of tables the kind of one."""
    hint = typing.get_type_hints(type(settings))[name]
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is not tuple:
        return None
    item = typing.get_args(hint)[0]
    return item if dataclasses.is_dataclass(item) else None  # type: ignore[return-value]


def path_from(path: Path, home: Path) -> Path:
    """As it is written into a file in `home`: relative where it lies below it."""
    whole, home = Path.cwd() / path.expanduser(), Path.cwd() / home
    return whole.relative_to(home) if whole.is_relative_to(home) else whole
