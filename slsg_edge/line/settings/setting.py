"""A key of `line.toml` with the sentence that says what it does, and what it may be.

The sentences go into the JSON Schema, the commented file that `line init` writes and the reference.
"""

from dataclasses import MISSING, field
from typing import Any

PLAIN = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
"""Of a name that stands in topics, addresses and names of files."""


def setting(
    text: str,
    default: Any = MISSING,
    *,
    least: float | None = None,
    most: float | None = None,
    pattern: str | None = None,
) -> Any:
    """A field of a dataclass; without a default the key must be given.

    least, most: of a number. pattern: all of a text must match it.
    """
    metadata = {"text": text, "least": least, "most": most, "pattern": pattern}
    return field(default=default, metadata=metadata)
