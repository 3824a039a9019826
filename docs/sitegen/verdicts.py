"""What `watch` writes of each frame: the fields of a record, and every reason of `undecided`."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from sitegen.markdown import MissingText, code, table
from slsg_edge.contracts import Outcome, Reason
from slsg_edge.line.records import Record

HEAD = """\
# Verdicts as JSON

`slsg-edge watch` writes a JSON object for each frame, on one line.
[Running a line](../line.md#to-a-plc-or-an-mes) says how it reaches other programs.

"""
REASONS = """
## Reasons

`reason` says to a program why a verdict is `undecided`; it is null for `good` and `anomalous`.

"""
_JSON = {int: "integer", float: "number", str: "string"}


def verdicts_page(pages: Path) -> str:
    """MissingText where a field or a reason has no row in the pages that describe them."""
    return (
        HEAD
        + table(("field", "type", "what it is"), _fields((pages / "line.md").read_text("utf-8")))
        + REASONS
        + table(("reason", "what happened"), _reasons((pages / "python.md").read_text("utf-8")))
    )


def _fields(page: str) -> list[tuple[str, str, str]]:
    hints = get_type_hints(Record)
    return [
        (code(one.name), _type(hints[one.name]), _row(page, one.name).replace("](", "](../"))
        for one in fields(Record)
    ]


def _reasons(page: str) -> list[tuple[str, str]]:
    return [(code(reason), _row(page, reason)) for reason in get_args(Reason)]


def _row(page: str, name: str) -> str:
    found = re.search(rf"^\| `{name}` \| (.*) \|$", page, re.MULTILINE)
    if found is None:
        raise MissingText(f"No page says what `{name}` is.")
    return found[1]


def _type(hint: Any) -> str:
    if hint == Outcome:
        return "one of " + ", ".join(map(code, get_args(Outcome)))
    if type(None) in get_args(hint):
        return f"{_type(next(one for one in get_args(hint) if one is not type(None)))} or null"
    return "string" if hint == Reason else _JSON.get(hint, "object")
