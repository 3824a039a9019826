"""Whether an ONNX file holds all of its weights, and ends: what it may not do, from whoever it is.

A manifest vouches for the files it names; weights in another file could be exchanged behind its
back. Reads the file's own format (protobuf), since a line PC has no package for it. Numbers of
fields are those of onnx.proto.
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
_MOST_FIELDS = 100_000  # an exported graph has a few thousand
_OP_TYPE = 4  # of a node
_LOOPS = (b"Loop", b"Scan", b"SequenceMap")
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_VARINT, _EIGHT, _SIZED, _FOUR = 0, 1, 2, 5  # wire types


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
    """None for what is no ONNX, which whoever loads it will say."""
    waiting, seen = [("model", 0, len(content))], 0
    try:
        while waiting:
            message, start, end = waiting.pop()
            for field, begin, after in _fields(content, start, end):
                seen += 1
                if seen > _MOST_FIELDS:
                    return f"has over {_MOST_FIELDS} parts, as no graph of ours has"
                if message == "tensor" and _is_external(field, begin):
                    return "takes weights from other files, for which nobody vouches"
                if message == "node" and field == _OP_TYPE and content[begin:after] in _LOOPS:
                    return f"computes in loops ({content[begin:after].decode()})"
                if field in _MESSAGES[message] and after > begin >= 0:
                    waiting.append((_MESSAGES[message][field], begin, after))
    except (ValueError, IndexError):
        pass
    return None


def _is_external(field: int, value: int) -> bool:
    """Numbers are given as they are below zero, so that they are no place in the file."""
    return field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value == ~1)


def _fields(content: bytes | mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The number of each field and from where to where its content is; ~value for a varint."""
    while at < end:
        key, at = _varint(content, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(content, at)
            yield key >> 3, ~value, at
            continue
        size, at = _varint(content, at) if kind == _SIZED else (_FIXED[kind], at)
        if at + size > end:
            raise ValueError("a field ends outside of its message")
        yield key >> 3, at, at + size
        at += size


_FIXED = {_EIGHT: 8, _FOUR: 4, 3: 2**63, 4: 2**63, 6: 2**63, 7: 2**63}


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
