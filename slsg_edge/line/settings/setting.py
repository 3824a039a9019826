"""A key of `line.toml` with the sentence that says what it does.

The sentences go into the JSON Schema, the commented file that `line init` writes and the reference.
"""

from dataclasses import MISSING, field
from typing import Any


def setting(text: str, default: Any = MISSING) -> Any:
    """A field of a dataclass; without a default the key must be given."""
    return field(default=default, metadata={"text": text})
