"""Small pieces of Markdown."""

import inspect
import re
from collections.abc import Iterable, Sequence


class MissingText(Exception):
    """Something that the reference has to describe has no description in the code."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell(text) for text in line)} |\n" for line in lines)


def cell(text: str) -> str:
    """On one line, without what would end the cell."""
    return re.sub(r"\s*\n\s*", " ", text).replace("|", r"\|")


def plain(text: str) -> str:
    """Text of the code, in which nothing is Markdown but `code`."""
    parts = re.split(r"(``?[^`]+``?)", text)
    return "".join(part if part.startswith("`") else _escaped(part) for part in parts)


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def docstring(thing: object, name: str) -> str:
    """Its own, as Markdown with a list of what it says of each parameter."""
    return _with_lists(plain(text_of(thing, name)))


def text_of(thing: object, name: str) -> str:
    """Its own docstring as it stands; MissingText where it has none."""
    text = inspect.cleandoc(getattr(thing, "__doc__", None) or "")
    if not text or text.startswith(f"{getattr(thing, '__name__', '')}("):  # a dataclass made it
        raise MissingText(f"{name} has no docstring.")
    return text


def _with_lists(text: str) -> str:
    """What a docstring says of each parameter, `name: what`, as a list."""
    text = re.sub(r"^((?:\w|\\_)+(?:, (?:\w|\\_)+)*): (?=\S)", r"- \1: ", text, flags=re.MULTILINE)
    return re.sub(r"(?<!\n)\n- (.*(?:\n- .*)*)", r"\n\n- \1", text)


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*_\[\]$])", r"\\\1", text)
