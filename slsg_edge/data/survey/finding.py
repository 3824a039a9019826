"""What is to be said about a data set: how bad it is, how often, where, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from slsg_edge.data.names import printable

Severity: TypeAlias = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """An error makes an evaluation on this data set worthless or wrong, a warning makes it
    weaker, a note is good to know. `name` is for machines; `examples` are the first few.
    """

    severity: Severity
    name: str
    what: str
    count: int
    examples: tuple[str, ...]
    fix: str

    @property
    def text(self) -> str:
        """What was found and how often, where there is anything to count."""
        return f"{self.what}: {self.count}" if self.examples else self.what


def finding(
    severity: Severity, name: str, what: str, examples: Sequence[str], fix: str
) -> list[Finding]:
    """One finding that counts its examples, or none when there are none."""
    if not examples:
        return []
    return [Finding(severity, name, what, len(examples), tuple(examples[:EXAMPLES]), fix)]


def shown(path: Path, folder: Path) -> str:
    """`path` within `folder` as text that can be printed, whatever bytes its name has."""
    inside = path.relative_to(folder) if path.is_relative_to(folder) else path
    return printable(inside)
