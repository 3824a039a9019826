"""The rows of a CSV file with a header or of JSON Lines, as texts by column.

Commas, semicolons, tabs or bars part the columns, as the header shows, and UTF-16 is read as well.
A name that is not UTF-8 is kept byte by byte, as the file system has it.
"""

import codecs
import csv
import io
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.bounded import read_regular, require_shallow
from slsg_edge.errors import DatasetError

_COLUMNS = (
    "Give a header with the column 'image' and, if you like, split, label, kind, mask and "
    "acquisition."
)


_LARGEST = 256 * 2**20  # bytes: a million images take 100 MB
_SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


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
        content = read_regular(file, _LARGEST)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise DatasetError(f"Cannot read {file}: {why}.", fix="Check it.") from error
    text = _text_of(file, content)
    rows = list(_json_rows(file, text) if file.suffix.lower() == ".jsonl" else _csv(file, text))
    if not rows:
        raise DatasetError(f"{file} lists no image.", fix=_COLUMNS)
    return rows


def _text_of(file: Path, content: bytes) -> str:
    """In the encoding that its first bytes show, else UTF-8; names keep what is none."""
    encoding = _encoding(content)
    if encoding is None:
        return content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{file} looks like {encoding.upper()} and is none: {error.reason}.",
            fix="Save it as UTF-8.",
        ) from error


def _encoding(content: bytes) -> str | None:
    """UTF-16 or UTF-32, by the mark at the start or the NUL beside its first letter."""
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = content[:4]
    if len(start) == 4 and start[1] == start[3] == 0 and start[0] and start[2]:
        return "utf-16-le"
    return "utf-16-be" if len(start) == 4 and start[0] == start[2] == 0 and start[1] else None


def _csv(file: Path, text: str) -> Iterator[Row]:
    _refuse_nul(file, text)
    text, skipped = _without_hint(text)
    delimiter = _delimiter(text)
    lines = io.StringIO(text, newline="")
    reader = csv.DictReader(lines, strict=True, restkey="", delimiter=delimiter)
    try:
        names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        if "image" not in names:
            raise DatasetError(f"{file} has no column 'image'{_columns(names)}.", fix=_COLUMNS)
        reader.fieldnames = names
        for values in reader:
            line = reader.line_num + skipped
            if "" in values:
                raise Row(file, line, {}).error(
                    "it has more fields than the header",
                    f"Put a path with {_SEPARATORS[delimiter]} in quotes.",
                )
            yield Row(file, line, {k: (v or "").strip() for k, v in values.items()})
    except csv.Error as error:
        bare = Row(file, reader.line_num + skipped, {})
        raise bare.error(str(error), "Save it as CSV again.") from error


def _columns(names: list[str]) -> str:
    return f", only {', '.join(map(repr, names))}" if any(names) else ""


def _without_hint(text: str) -> tuple[str, int]:
    """Without the line `sep=;` that Excel writes and reads, and how many lines that are."""
    first, end, rest = text.partition("\n")
    return (rest, 1) if end and re.fullmatch(r"\"?sep=.\"?\r?", first, re.IGNORECASE) else (text, 0)


def _delimiter(text: str) -> str:
    """What parts the header so that a column is `image`; a comma where none does."""
    header = text.partition("\n")[0]
    columns = {
        sign: [name.strip(' "\r').lower() for name in header.split(sign)] for sign in _SEPARATORS
    }
    fitting = [sign for sign, names in columns.items() if "image" in names]
    return max(fitting, key=lambda sign: len(columns[sign]), default=",")


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
            require_shallow(entry)
        except (ValueError, RecursionError) as error:
            raise bare.error(f"it is no JSON ({error})", "Write one object per line.") from error
        if not isinstance(entry, dict):
            raise bare.error("it is no JSON object", "Write one object per line.")
        yield Row(file, line, {str(key).lower(): _text(value) for key, value in entry.items()})


def _text(value: object) -> str:
    if isinstance(value, list):
        return ";".join(map(_text, value))
    nothing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if nothing else str(value).strip()
