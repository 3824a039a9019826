"""Inputs that are nearly valid: a valid one with a few things changed.

Everything is drawn from the generator that is given, so that a seed gives the same input again.
"""

import json
import random
import re
import struct
from collections.abc import Iterator, Sequence
from typing import Any

NASTY = (
    b"", b"0", b"-0", b"-1", b"1e400", b"-1e400", b"NaN", b"Infinity", b"inf", b"nan", b"null",
    b"true", b"1e-400", b"9223372036854775808", b"18446744073709551616", b"9" * 400, b"9" * 5000,
    b"0x" + b"f" * 5000, b'""', b'"\\ud800"', b'"\\u0000"', b'"' + b"a" * 5000 + b'"', b"[]",
    b"{}", b"[[[[[[[[]]]]]]]]", b"[" * 2000, b'{"a":' * 2000, b"../../../../etc/passwd",
    b"/dev/zero",
    b"//host/share", b"C:\\windows", b"~\0", b"~nobody-of-that-name", b"@", b"${HOME}", b"${",
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", "é".encode(),
    "e\u0301".encode(), "\u202e".encode(), b"\x1b[31m", b"\r\n", b"%00", b"%2e%2e%2f", b"'", b'"',
    b"2026-11-30T25:61:61Z", b"1979-05-27T07:32:00-08:00", b"_" * 300, b"con", b"a" * 300,
)  # fmt: skip
_VALUES = (
    b"null", b"true", b"0", b"-1", b"1.5", b"NaN", b"1e400", b"9" * 400, b'"a"', b'""', b'"1"',
    b'"\\u0000"', b'"\\ud800"', b"[]", b"[1]", b'["a"]', b"[[]]", b"{}", b'{"a": 1}', b'{"a": {}}',
    b"[" * 80 + b"]" * 80, b"[" * 500 + b"]" * 500,
)  # fmt: skip
_HELD = b'"\\ue000"'
_NUMBERS = (
    0, 1, 2, 3, 7, 8, 16, 127, 128, 255, 256, 1023, 32767, 32768, 65535, 65536, 0x7FFFFFFF,
    0x80000000, 0xFFFFFFFF, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1,
)  # fmt: skip
_FORMATS = ("<B", "<H", ">H", "<I", ">I", "<Q", ">Q")
_TOKEN = re.compile(rb'-?\d+(?:\.\d+)?|"[^"\n]{0,200}"|[A-Za-z_][\w-]*')
LONGEST = 1 << 16  # bytes of an input that was mutated


def mutated(
    rng: random.Random, seeds: Sequence[bytes], tokens: Sequence[bytes] = (), most: int = 6
) -> bytes:
    """One of `seeds` with one to `most` changes."""
    content = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, most)):
        change = rng.choice(_CHANGES)
        content = bytearray(change(rng, bytes(content), seeds, tokens)[:LONGEST])
    return bytes(content)


def _place(rng: random.Random, content: bytes) -> int:
    return rng.randint(0, len(content))


def _slice(rng: random.Random, content: bytes) -> tuple[int, int]:
    start = _place(rng, content)
    return start, min(len(content), start + rng.choice((1, 2, 4, 8, 16, 64, 256)))


def _flip(rng: random.Random, content: bytes, *_: object) -> bytes:
    if not content:
        return content
    at = rng.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :]


def _random(rng: random.Random, content: bytes, *_: object) -> bytes:
    start, end = _slice(rng, content)
    return content[:start] + rng.randbytes(end - start) + content[end:]


def _remove(rng: random.Random, content: bytes, *_: object) -> bytes:
    start, end = _slice(rng, content)
    return content[:start] + content[end:]


def _cut(rng: random.Random, content: bytes, *_: object) -> bytes:
    return content[: _place(rng, content)]


def _repeat(rng: random.Random, content: bytes, *_: object) -> bytes:
    start, end = _slice(rng, content)
    return content[:end] + content[start:end] * rng.choice((1, 2, 20, 200)) + content[end:]


def _number(rng: random.Random, content: bytes, *_: object) -> bytes:
    layout = rng.choice(_FORMATS)
    size = struct.calcsize(layout)
    at = _place(rng, content)
    packed = struct.pack(layout, rng.choice(_NUMBERS) & (1 << 8 * size) - 1)
    return content[:at] + packed + content[at + size :]


def _splice(rng: random.Random, content: bytes, seeds: Sequence[bytes], _: object) -> bytes:
    other = rng.choice(seeds)
    return content[: _place(rng, content)] + other[_place(rng, other) :]


def _insert(
    rng: random.Random, content: bytes, _: Sequence[bytes], tokens: Sequence[bytes]
) -> bytes:
    at = _place(rng, content)
    return content[:at] + rng.choice((*NASTY, *tokens)) + content[at:]


def _replace_token(
    rng: random.Random, content: bytes, _: Sequence[bytes], tokens: Sequence[bytes]
) -> bytes:
    """A number, a text or a word becomes something nasty."""
    found = list(_TOKEN.finditer(content[:8192]))
    if not found:
        return content
    token = rng.choice(found)
    return content[: token.start()] + rng.choice((*NASTY, *tokens)) + content[token.end() :]


def _swap_tokens(rng: random.Random, content: bytes, *_: object) -> bytes:
    found = list(_TOKEN.finditer(content[:8192]))
    if len(found) < 2:
        return content
    first, second = sorted(rng.sample(found, 2), key=lambda each: each.start())
    between = content[first.end() : second.start()]
    return content[: first.start()] + second[0] + between + first[0] + content[second.end() :]


def _replace_value(rng: random.Random, content: bytes, *_: object) -> bytes:
    """Of JSON, or of a line of it: one value becomes another kind of value."""
    lines = content.splitlines() if content.count(b"}\n{") else [content]
    at = rng.randrange(len(lines)) if lines else 0
    try:
        tree = json.loads(lines[at])
    except (ValueError, RecursionError, IndexError):
        return content
    places = list(_places(tree))
    if not places:
        return rng.choice(_VALUES)
    holder, key = rng.choice(places)
    holder[key] = "\ue000"  # stands for a value that JSON itself would not write
    text = json.dumps(tree).encode()
    return b"\n".join([*lines[:at], text.replace(_HELD, rng.choice(_VALUES)), *lines[at + 1 :]])


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every list or table in a tree with each of its places."""
    waiting = [tree] if isinstance(tree, dict | list) else []
    while waiting:
        holder = waiting.pop()
        for key, value in holder.items() if isinstance(holder, dict) else enumerate(holder):
            yield holder, key
            if isinstance(value, dict | list):
                waiting.append(value)


_CHANGES = (
    _flip, _random, _remove, _cut, _repeat, _number, _splice, _insert, _replace_token,
    _replace_token, _swap_tokens, _replace_value, _replace_value,
)  # fmt: skip
