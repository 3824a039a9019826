"""What was scored so far: one Parquet file for each unit, in a folder beside the output.

A part that is there is whole, since it is renamed when it is; so a job that was stopped goes on.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from slsg_edge.archive.rows import Row, columns, schema
from slsg_edge.archive.units import Unit
from slsg_edge.errors import StorageError
from slsg_edge.storage import discard, make_folder, storage_error, sync_folder, temporary_name

_ROWS = 2000  # in memory at once
_ENDING = ".parts"


class Parts:
    """Of one output, for one bundle at one threshold. StorageError where nothing can be written.

    judged_by: what a verdict depends on beside the image; parts of another are not used.
    """

    def __init__(self, output: Path, judged_by: str) -> None:
        self._output = output
        self.folder = output.with_name(output.name + _ENDING)
        self._judged_by = judged_by
        make_folder(self.folder)

    def path(self, unit: Unit) -> Path:
        name = hashlib.sha256(f"{unit.identity} {self._judged_by}".encode()).hexdigest()[:32]
        return self.folder / f"{name}.parquet"

    def merge(self, units: Sequence[Path]) -> None:
        """All of them, in order, as the output; then the folder of parts goes."""
        _write_whole(self._output, (batch for unit in units for batch in _batches_in(unit)))
        shutil.rmtree(self.folder, ignore_errors=True)


def write_part(path: Path, rows: Iterable[Row]) -> None:
    """Whole or not at all; StorageError."""
    import pyarrow

    wanted = schema()
    _write_whole(path, (pyarrow.table(columns(some), schema=wanted) for some in _some(rows)))


def _some(rows: Iterable[Row]) -> Iterator[list[Row]]:
    waiting: list[Row] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) == _ROWS:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _write_whole(path: Path, tables: Iterable[Any]) -> None:
    """On the disk before its name is, so that also a power cut leaves no half of it."""
    import pyarrow.parquet

    temporary = temporary_name(path.parent)
    try:
        with temporary.open("wb") as file:
            with pyarrow.parquet.ParquetWriter(file, schema(), compression="zstd") as writer:
                for table in tables:
                    writer.write_table(table)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        discard(temporary)


def _batches_in(path: Path) -> Iterator[Any]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as part:
            for batch in part.iter_batches(_ROWS):
                yield pyarrow.Table.from_batches([batch])
    except pyarrow.ArrowInvalid as error:
        raise StorageError(
            f"{path} is damaged: {error}", fix="Delete it, and give the command again."
        ) from error


def counts_in(path: Path) -> dict[str, int]:
    """How many rows of each verdict, and of each reason."""
    import pyarrow.parquet

    counts: dict[str, int] = {}
    with pyarrow.parquet.ParquetFile(path) as part:
        for batch in part.iter_batches(_ROWS, columns=["verdict", "reason"]):
            for name in (*batch["verdict"].to_pylist(), *filter(None, batch["reason"].to_pylist())):
                counts[name] = counts.get(name, 0) + 1
    return counts
