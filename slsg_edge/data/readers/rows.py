"""The rows of a CSV file with a header or of JSON Lines, as texts by column.

A name that is not UTF-8 is kept byte by byte, as the file system has it.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.errors import DatasetError

_COLUMNS = (
    "Give a header with the column 'image' and, if you like, split, label, kind, mask and "
    "acquisition."
)


@dataclass(frozen=True, slots=True)
class Row:
    """`line` of `file`, and the texts of its columns without spaces around them."""

    file: Path
    line: int
    values: dict[str, str]

    def error(self, what: str, fix: str) -> DatasetError:
        return DatasetError(f"{self.file}, line {self.line}: {what}.", fix=fix)


def rows_of(file: Path) -> list[Row]:
    """DatasetError when it is no such file."""
    try:
        text = file.read_bytes().decode("utf-8", "surrogateescape").lstrip("\ufeff")
    except OSError as error:
        raise DatasetError(f"Cannot read {file}: {error.strerror}.", fix="Check it.") from error
    rows = list(_json_rows(file, text) if file.suffix.lower() == ".jsonl" else _csv(file, text))
    if not rows:
        raise DatasetError(f"{file} lists no image.", fix=_COLUMNS)
    return rows


def _csv(file: Path, text: str) -> Iterator[Row]:
    _refuse_nul(file, text)
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, restkey="")
    try:
        names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        if "image" not in names:
            raise DatasetError(f"{file} has no column 'image'.", fix=_COLUMNS)
        reader.fieldnames = names
        for values in reader:
            if "" in values:
                raise Row(file, reader.line_num, {}).error(
                    "it has more fields than the header", "Put a path with a comma in quotes."
                )
            yield Row(file, reader.line_num, {k: (v or "").strip() for k, v in values.items()})
    except csv.Error as error:
        raise Row(file, reader.line_num, {}).error(str(error), "Save it as CSV again.") from error


def _refuse_nul(file: Path, text: str) -> None:
    """Before Python 3.11 the csv module does so too, but names the line before."""
    for line, content in enumerate(io.StringIO(text, newline=""), 1):
        if "\0" in content:
            raise Row(file, line, {}).error("it has a NUL character", "Save it as CSV again.")


def _json_rows(file: Path, text: str) -> Iterator[Row]:
    for line, content in enumerate(text.split("\n"), 1):
        if not content.strip():
            continue
        bare = Row(file, line, {})
        try:
            entry = json.loads(content)
        except ValueError as error:
            raise bare.error(f"it is no JSON ({error})", "Write one object per line.") from error
        if not isinstance(entry, dict):
            raise bare.error("it is no JSON object", "Write one object per line.")
        yield Row(file, line, {str(key).lower(): _text(value) for key, value in entry.items()})


def _text(value: object) -> str:
    if isinstance(value, list):
        return ";".join(map(_text, value))
    return "" if value is None else str(value).strip()
