"""What the tool says when something is wrong: every error and finding that the code can give."""

import inspect
import re
from collections.abc import Iterable, Iterator

from sitegen.markdown import MissingText, plain, table, text_of
from sitegen.source import FILLED, Call, calls
from slsg_edge import errors
from slsg_edge.data.survey import leaks, mask_findings
from slsg_edge.data.survey.finding import SEVERITIES
from slsg_edge.errors import SlsgError

HEAD = """\
# Messages and what to do

Every message that ends a command with exit code 2, by the class of its error, with what to do next.
A `…` stands for what is filled in: a path, a number, the words of a library. Search this page for a
part of what you read. What ends with a traceback instead is a fault of the program:
[report it](../questions.md#where-do-i-ask).

In Python an error has the sentence in `what` and the next step in `fix` ([how](../python.md)).

"""
FINDINGS = """\
# What `data` finds

Every finding of `slsg-edge data`, as the code has it
([more](../data.md#what-slsg-edge-data-finds)).
An **error** makes an evaluation worthless or wrong, a **warning** makes it weaker, a **note** is
good to know. `name` is what `--json` calls it.

"""
_LETTERS = re.compile(r"[^\W\d_]")


def classes() -> list[type[SlsgError]]:
    """In the order of the file, the most general first."""
    found = [one for one in vars(errors).values() if isinstance(one, type)]
    return [one for one in found if issubclass(one, SlsgError)]


def messages_page() -> str:
    return HEAD + "\n".join(_section(one) for one in classes() if one is not SlsgError)


def messages_of(kind: type[SlsgError]) -> list[tuple[str, str]]:
    """What such an error says and what to do, each pair once.

    Some classes put the sentence together themselves, the others are given it.
    """
    own = [one for one in calls(["__init__"], "errors.py") if one.node.lineno in _lines(kind)]
    return _pairs(own) or _pairs(calls([kind.__name__]))


def _pairs(found: Iterable[Call]) -> list[tuple[str, str]]:
    pairs = ((_either(one, 0, "what"), _either(one, 1, "fix")) for one in found)
    return list(dict.fromkeys(pair for pair in pairs if _LETTERS.search(pair[0])))


def _either(call: Call, position: int, name: str) -> str:
    return " / ".join(call.argument(position, name))


def _lines(kind: type[SlsgError]) -> range:
    lines, first = inspect.getsourcelines(kind)
    return range(first, first + len(lines))


def findings_page() -> str:
    head = ("severity", "name", "what it says", "what to do")
    return FINDINGS + table(head, (tuple(map(plain, row)) for row in findings()))


def findings() -> list[tuple[str, str, str, str]]:
    """Severity, name, words and what to do of each, the worst first."""
    rows = [*_called(), *_of_tables()]
    return sorted(rows, key=lambda row: SEVERITIES.index(row[0].partition(" ")[0]))


def _called() -> Iterator[tuple[str, str, str, str]]:
    for call in calls(["finding", "Finding"], "data/survey"):
        last = len(call.node.args) - 1
        severity, name, what, fix = (_either(call, at, "") for at in (0, 1, 2, last))
        if FILLED not in severity + name:
            yield severity, name, what, fix


def _of_tables() -> Iterator[tuple[str, str, str, str]]:
    """Those that the code makes of the rows of a table."""
    for fault, severity, what, fix in mask_findings._FAULTS:
        yield severity, f"mask-{fault}", what, fix
    for relation, (severity, what, fix) in leaks._COPIES.items():
        yield severity, f"copies-{relation}, near-{relation}", what, fix


def _section(kind: type[SlsgError]) -> str:
    pairs = messages_of(kind)
    if not pairs:
        raise MissingText(f"No message of {kind.__name__} was found in the code.")
    rows = (tuple(map(plain, pair)) for pair in pairs)
    parent = kind.__bases__[0].__name__
    kin = "" if parent == "SlsgError" else f" A kind of `{parent}`."
    text = plain(text_of(kind, kind.__name__)) + kin
    return f"## {kind.__name__}\n\n{text}\n\n{table(('what it says', 'what to do'), rows)}"
