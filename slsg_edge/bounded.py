"""Files and JSON that may come from anywhere: what they are is bounded before they are read.

Knows nothing about what is in them.
"""

import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

_LONGEST_JSON = 64 * 2**20  # bytes: the record of 100,000 images takes 16 MB
_SMALL = 2**20  # bytes: what the system makes up has no size of its own
_BYTES_OF_A_VALUE = 16  # at least, on the average of what may be as large as its limit
_DEEPEST = 64  # levels of lists and tables in JSON: a manifest has seven
_SHOWN = 80  # characters of a text in a message


def json_from(content: bytes, limit: int | None = None) -> Any:
    """What JSON says; ValueError for a key that is given twice, of which readers would take either,
    for NaN and infinity, for what is nested too deeply, and for more than `limit` bytes or more
    values than so many bytes should hold.
    """
    if limit is not None and len(content) > limit:
        raise ValueError(f"it is larger than {limit >> 20} MiB")
    if limit is not None:
        _require_few_values(content, limit // _BYTES_OF_A_VALUE)
    try:
        found = json.loads(content, parse_constant=_refuse, object_pairs_hook=_once_each)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    require_shallow(found)
    return found


def require_shallow(value: Any) -> None:
    """ValueError for what whoever walks through it could not reach the bottom of."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(_DEEPEST):
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [one for each in inner for one in each if isinstance(one, dict | list)]
    if level:
        raise ValueError("it is nested too deeply")


def _require_few_values(content: bytes, most: int) -> None:
    """Before anything is parsed, since 16 MB of empty lists would take half a gigabyte."""
    if sum(map(content.count, (b",", b"[", b"{"))) > most:
        raise ValueError(f"it holds more than {most} values")


def read_json(path: Path) -> Any:
    """What `json_from` says of an ordinary file; OSError or ValueError."""
    return json_from(read_regular(path, _LONGEST_JSON))


def open_regular(path: Path, limit: int) -> BinaryIO:
    """An ordinary file of at most `limit` bytes, to read. OSError for one that cannot be opened,
    ValueError, which says why, for a pipe, a device or a larger file: reading it might never end.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise ValueError("it is no ordinary file")
        if state.st_size > limit:
            raise ValueError(f"it is larger than {limit >> 20} MiB")
    except ValueError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, limit: int, at_most: int | None = None) -> bytes:
    """The content of such a file, or its beginning; OSError or ValueError as `open_regular`."""
    with open_regular(path, limit) as file:
        if at_most is not None:
            return file.read(at_most)
        # room for all that is asked for is taken at once, so no more than there is
        return file.read(min(limit, os.fstat(file.fileno()).st_size or _SMALL))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")  # no score would ever be above NaN


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for name, value in pairs:
        if name in table:
            raise ValueError(f"the key '{cut(name)}' is given twice")
        table[name] = value
    return table


def cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
