"""Whether an ONNX file holds all of its weights, and ends: what it may not do, from whoever it is.

A manifest vouches for the files it names; weights in another file could be exchanged behind its
back. Reads the file's own format (protobuf), since a line PC has no package for it. Numbers of
fields are those of onnx.proto.

The reader that loads the file may take what this one does not understand. So a file that names a
location anywhere is believed to name none only where all of it was understood.
"""

import functools
import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from slsg_edge.errors import UntrustedBundle

# The messages in which tensors are found: the number of a field -> what is in it.
_MESSAGES: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "function": {7: "node", 11: "attribute"},
    "training": {1: "graph", 2: "graph"},
    "tensor": {},
}
_MOST_FIELDS = 100_000  # an exported graph has a few thousand
_OP_TYPE = 4  # of a node
_LOOPS = (b"Loop", b"Scan", b"SequenceMap")
_LOCATION = b"location"  # the key without which no reader looks for another file
_EXTERNAL_DATA, _DATA_LOCATION, _EXTERNAL = 13, 14, 1
_VARINT, _EIGHT, _SIZED, _GROUP, _END, _FOUR = range(6)  # wire types
_FIXED = {_EIGHT: 8, _FOUR: 4}
_WORD = 2**32 - 1  # readers take so many bits of a tag or an enumeration, whatever more there are
_OUTSIDE = "takes weights from other files, for which nobody vouches"


@functools.lru_cache(16)
def require_harmless_file(path: Path, digest: str) -> None:
    """As `require_harmless`. digest: of the file as it is now."""
    with path.open("rb") as file:
        try:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # an empty file
            return
        with content:
            require_harmless(path, content)


def require_harmless(path: Path, content: bytes | mmap.mmap) -> None:
    """UntrustedBundle where weights are in other files, or it computes in loops, as no export of
    ours does: one may never end.
    """
    if fault := fault_of(content):
        raise UntrustedBundle(
            f"{path} {fault}.",
            fix="Run `slsg-edge export` again; it writes all weights into the file, and no loops.",
        )


def fault_of(content: bytes | mmap.mmap) -> str | None:
    """Why a graph is not run; None for what is no ONNX, which whoever loads it will say.

    Weights in other files are a fault also where they cannot be ruled out, as in a file that names
    a location and cannot be understood to its end.
    """
    located = content.find(_LOCATION) >= 0
    try:
        for seen, found in enumerate(_all_fields(content)):
            if seen >= _MOST_FIELDS:
                return f"has over {_MOST_FIELDS} parts, as no graph of ours has"
            if _is_external(found):
                return _OUTSIDE
            if loop := _loop_in(found, content):
                return f"computes in loops ({loop})"
    except (ValueError, IndexError):
        return _OUTSIDE if located else None
    return None


class _Field(NamedTuple):
    """message: which kind it is of. value: a number, or where its content starts."""

    message: str
    number: int
    kind: int
    value: int
    after: int


def _is_external(field: _Field) -> bool:
    external = field.kind == _VARINT and field.value & _WORD == _EXTERNAL
    located = field.number == _DATA_LOCATION and external
    return field.message == "tensor" and (field.number == _EXTERNAL_DATA or located)


def _loop_in(field: _Field, content: bytes | mmap.mmap) -> str:
    """The name of an operator that computes as long as it likes, or ""."""
    if (field.message, field.number, field.kind) != ("node", _OP_TYPE, _SIZED):
        return ""
    name = content[field.value : field.after]
    return name.decode() if name in _LOOPS else ""


def _all_fields(content: bytes | mmap.mmap) -> Iterator[_Field]:
    """Of every message in which tensors are found; ValueError for what is no message."""
    waiting = [("model", 0, len(content))]
    while waiting:
        message, start, end = waiting.pop()
        for number, kind, value, after in _fields(content, start, end):
            yield _Field(message, number, kind, value, after)
            if kind == _SIZED and number in _MESSAGES[message]:
                waiting.append((_MESSAGES[message][number], value, after))


def _fields(content: bytes | mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Number and wire type of each field, its value or where its content starts, and where it
    ends. What stands in a group, which ONNX does not know, is skipped as readers do.
    """
    groups = 0
    while at < end:
        key, at = _varint(content, at)
        field, kind = (key & _WORD) >> 3, key & 7
        value, after = _value(content, at, kind)
        if after > end:
            raise ValueError("a field ends outside of its message")
        groups += {_GROUP: 1, _END: -1}.get(kind, 0)
        if groups < 0:
            raise ValueError("a group ends that did not begin")
        if not groups and kind != _END:
            yield field, kind, value, after
        at = after
    if groups:
        raise ValueError("a group does not end")


def _value(content: bytes | mmap.mmap, at: int, kind: int) -> tuple[int, int]:
    """A number, or where a field's content starts; and where the field ends."""
    if kind == _VARINT:
        return _varint(content, at)
    if kind == _SIZED:
        size, at = _varint(content, at)
        return at, at + size
    if kind in (_GROUP, _END):
        return at, at
    return at, at + _FIXED[kind] if kind in _FIXED else 2**63


def _varint(content: bytes | mmap.mmap, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number is too long")
