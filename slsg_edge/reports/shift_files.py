"""The report on a shift as files: the page, and the table that grows while the outbox is read."""

import contextlib
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TextIO

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.region import fingerprint_of, with_region
from slsg_edge.errors import SlsgError, StorageError
from slsg_edge.line.settings.line import LineSettings
from slsg_edge.line.shift.shift import Shift, shift_of
from slsg_edge.line.shift.table import COLUMNS, ShiftTable
from slsg_edge.preprocessing import Roi
from slsg_edge.reports.shift_page import shift_html
from slsg_edge.storage import require_outside_bundles, storage_error, write_atomically


def write_shift(
    settings: LineSettings, period: tuple[datetime, datetime], page: Path, rows: Path
) -> Shift:
    """Both files, whole or not at all; times are those of the period's zone."""
    seconds = period[0].timestamp(), period[1].timestamp()
    with _replacing(rows) as file:
        shift = shift_of(settings, seconds, time.time(), ShiftTable(file).add)
        html = shift_html(shift, period[1].tzinfo or timezone.utc, _bundles(settings))
        write_atomically(page, html.encode())
    return shift


def _bundles(settings: LineSettings) -> dict[str, str]:
    """Names of the bundles that the line runs now, by fingerprint."""
    names = {}
    for station in settings.station:
        with contextlib.suppress(SlsgError, OSError):
            bundle = open_bundle(station.bundle)
            roi = Roi(*station.roi) if station.roi else bundle.manifest.preprocessing.roi
            names[fingerprint_of(with_region(bundle, roi))] = station.bundle.name
    return names


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """A file to write that takes the place of `path` at the end; only of an earlier table."""
    _require_table(path)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _require_table(path: Path) -> None:
    require_outside_bundles(path)
    head = ",".join(COLUMNS).encode()
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        if file.read(len(head)) != head:
            raise StorageError(
                f"{path} holds something else than a table of verdicts, so it was not overwritten.",
                fix="Give another name.",
            )
