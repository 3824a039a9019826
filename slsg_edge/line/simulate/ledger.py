"""What an MES checks of the verdicts that it gets: none missing, none twice, all in order."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slsg_edge.data.names import printable

_KEPT = 100_000  # ids that are known again


@dataclass
class Ledger:
    """taken: verdicts that came, each counted once. repeated: the same ones again, by their id.

    missing: gaps in the sequence of a station. wrong: a number that another verdict had, or that
    came too late. unreadable: what is no verdict.
    """

    taken: int = 0
    repeated: int = 0
    missing: int = 0
    wrong: int = 0
    unreadable: int = 0
    _last: dict[str, int] = field(default_factory=dict)
    _ids: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def take(self, verdict: object) -> str:
        """Counts it, and says so for people."""
        fields = _fields(verdict)
        if fields is None:
            self.unreadable += 1
            return f"UNREADABLE: {printable(repr(verdict)[:200])}"
        name, station, sequence, outcome = fields
        said = f"{printable(station)} {sequence}: {printable(outcome)}"
        if name in self._ids:
            self.repeated += 1
            return f"{said} (again)"
        self._remember(name)
        self.taken += 1
        return f"{said}{self._compare(station, sequence)}"

    def __str__(self) -> str:
        return (
            f"{self.taken} verdicts, {self.missing} missing, {self.wrong} wrong, "
            f"{self.repeated} repeated, {self.unreadable} unreadable"
        )

    def _compare(self, station: str, sequence: int) -> str:
        last = self._last.get(station, sequence - 1)
        if sequence <= last:
            self.wrong += 1
            return f" WRONG: {last} came before"
        self._last[station] = sequence
        gap = sequence - last - 1
        self.missing += gap
        return f" MISSING: {gap} before it" if gap else ""

    def _remember(self, name: str) -> None:
        self._ids[name] = None
        if len(self._ids) > _KEPT:
            self._ids.popitem(last=False)


def _fields(verdict: object) -> tuple[str, str, int, str] | None:
    if not isinstance(verdict, Mapping):
        return None
    found: Mapping[str, Any] = verdict
    name, sequence = found.get("id"), found.get("sequence")
    if not isinstance(name, str) or not isinstance(sequence, int):
        return None
    return name, str(found.get("station", "")), sequence, str(found.get("verdict", ""))
