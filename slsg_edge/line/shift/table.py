"""Every verdict of a shift as a row of CSV."""

import csv
from collections.abc import Mapping
from typing import TextIO

from slsg_edge.line.outbox.entries import Stored

COLUMNS = (
    "id", "station", "sequence", "captured_at", "verdict", "label", "score", "threshold", "p_value",
    "reason", "detail", "drift", "age_ms", "bundle", "origin", "image",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run what begins so


class ShiftTable:
    """Writes the head, then a row for each verdict."""

    def __init__(self, file: TextIO) -> None:
        self._rows = csv.writer(file, lineterminator="\n")
        self._rows.writerow(COLUMNS)

    def add(self, stored: Stored, label: str) -> None:
        record = stored.record
        special: Mapping[str, object] = {"label": label, "drift": " ".join(record.drift)}
        values = (special.get(name, getattr(record, name, None)) for name in COLUMNS)
        self._rows.writerow([_cell(value) for value in values])


def _cell(value: object) -> object:
    """A text stays a text, also in a spreadsheet."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
