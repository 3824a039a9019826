"""Whether an ONNX file holds all of its weights, or names other files that hold some.

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
_LOCATION = b"location"  # the key without which no reader looks for another file
_EXTERNAL_DATA, _DATA_LOCATION, _EXTERNAL = 13, 14, 1
_VARINT, _EIGHT, _SIZED, _GROUP, _END, _FOUR = range(6)  # wire types
_FIXED = {_EIGHT: 8, _FOUR: 4}
_MOST = 1_000_000  # messages: a large network has some ten thousand
_WORD = 2**32 - 1  # readers take so many bits of a tag or an enumeration, whatever more there are


@functools.lru_cache(16)
def require_self_contained(path: Path, digest: str) -> None:
    """UntrustedBundle where weights are in other files. digest: of the file as it is now."""
    with path.open("rb") as file:
        try:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # an empty file
            return
        with content:
            outside = names_other_files(content)
    if outside:
        raise UntrustedBundle(
            f"{path} takes weights from other files, for which nobody vouches.",
            fix="Run `slsg-edge export` again; it writes all weights into the file.",
        )


def names_other_files(content: bytes | mmap.mmap) -> bool:
    """Also where that cannot be ruled out, as in a file that cannot be understood to its end.

    False for what names no location anywhere, whatever it is: whoever loads it will say.
    """
    if content.find(_LOCATION) < 0:
        return False
    try:
        return any(
            message == "tensor" and _is_external(field, kind, value)
            for message, field, kind, value in _all_fields(content)
        )
    except (ValueError, IndexError):
        return True


def _is_external(field: int, kind: int, value: int) -> bool:
    located = field == _DATA_LOCATION and kind == _VARINT and value & _WORD == _EXTERNAL
    return field == _EXTERNAL_DATA or located


def _all_fields(content: bytes | mmap.mmap) -> Iterator[tuple[str, int, int, int]]:
    """Message, number, wire type and value (or place) of each field; ValueError for too many."""
    waiting, found = [("model", 0, len(content))], 1
    while waiting:
        message, start, end = waiting.pop()
        for field, kind, value, after in _fields(content, start, end):
            yield message, field, kind, value
            if kind == _SIZED and field in _MESSAGES[message]:
                waiting.append((_MESSAGES[message][field], value, after))
                found += 1
                if found > _MOST:
                    raise ValueError("no model has so many parts")


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
