"""The public names of `slsg_edge`, with their signatures and docstrings."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import slsg_edge
from sitegen.markdown import code, docstring, plain, table, text_of

HEAD = """\
# Python names

The names that [stay](../python.md#names-that-stay) in every 0.x version, as the code describes
them. They are imported from `slsg_edge`. [From Python](../python.md) shows them at work.

"""


def names_page() -> str:
    return HEAD + "\n".join(_section(name) for name in slsg_edge.__all__ if name != "__version__")


def _section(name: str) -> str:
    thing = getattr(slsg_edge, name)
    parts = [f"## {name}", f"```python\n{_signature(name, thing)}\n```", docstring(thing, name)]
    if inspect.isclass(thing):
        parts += filter(None, [_members(name, thing)])
    return "\n\n".join(parts) + "\n"


def _signature(name: str, thing: Any) -> str:
    """A parameter a line where it is long; a protocol is implemented, never called."""
    if getattr(thing, "_is_protocol", False):
        body = "".join(f"    {_called(below, one, 'def ')}\n" for below, one in _public(thing))
        return f"class {name}(Protocol):\n{body.rstrip()}"
    signature = inspect.signature(thing)
    words = _words(signature)
    answer = "" if inspect.isclass(thing) else _answer(signature)
    one_line = f"{name}({', '.join(words)}){answer}"
    if len(one_line) < 90:
        return one_line
    return f"{name}(\n" + "".join(f"    {word},\n" for word in words) + f"){answer}"


def _words(signature: inspect.Signature) -> list[str]:
    """The parameters that a caller gives, with the star before those that are given by name."""
    words: list[str] = []
    for one in signature.parameters.values():
        if one.name == "self" or one.name.startswith("_"):
            continue
        if one.kind is one.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        words.append(_short(str(one)).replace(" = <factory>", " = ..."))
    return words


def _answer(signature: inspect.Signature) -> str:
    given = signature.return_annotation
    if given is inspect.Signature.empty:
        return ""
    return f" -> {_short(given if isinstance(given, str) else inspect.formatannotation(given))}"


def _short(text: str) -> str:
    """Without the modules that a name comes from, and with aliases for the longest types."""
    text = re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Za-z_])", "", text).replace("'", '"')
    text = text.replace("<built-in function print>", "print")
    text = re.sub(r"ndarray\[tuple\[Any, \.\.\.\], dtype\[(\w+)\]\]", r"NDArray[\1]", text)
    return re.sub(r'"bool \| int \|[^"]*Json[^"]*"', "Json", text)


def _members(name: str, thing: Any) -> str:
    rows = [
        (code(_called(below, member)), plain(text_of(member, f"{name}.{below}")))
        for below, member in _public(thing)
        if member.__doc__
    ]
    return table(("method or property", "what it does"), rows) if rows else ""


def _public(thing: Any) -> Iterator[tuple[str, Any]]:
    for below, member in vars(thing).items():
        if isinstance(member, (staticmethod, classmethod)):
            member = member.__func__
        named = not below.startswith("_") or below == "__iter__"
        if named and (inspect.isfunction(member) or isinstance(member, property)):
            yield below, member


def _called(below: str, member: Any, before: str = "") -> str:
    if isinstance(member, property) and member.fget:
        return f"{below}: {_answer(inspect.signature(member.fget)).removeprefix(' -> ')}"
    signature = inspect.signature(member)
    return f"{before}{below}({', '.join(_words(signature))}){_answer(signature)}"
