"""Verdicts as JSON Lines in a file that is put aside when it is large."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from slsg_edge.errors import StorageError
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.outbox.rows import text_of
from slsg_edge.line.settings.sinks import JsonLinesSettings
from slsg_edge.line.sinks.appended import AppendedFile
from slsg_edge.storage import make_folder, require_outside_bundles, storage_error

_MEGABYTE = 10**6
_TAIL = 4 * 2**20  # bytes: more than one batch takes


class RotatingLines:
    """PATH, and older lines in PATH.1, PATH.2 and so on. Each line is on the disk when it is taken.

    A process that was killed may be given verdicts again that it had written; those that stand at
    the end of the file are not written twice.
    """

    most = 500

    def __init__(self, settings: JsonLinesSettings, folder: Path) -> None:
        """ConfigError for a path that holds something else, or that another line writes to; a disk
        that takes nothing just now shows later.
        """
        self.name = settings.name
        self._path = folder / settings.path
        self._largest = max(settings.megabytes, 1) * _MEGABYTE
        self._files = max(settings.files, 0)
        require_outside_bundles(self._path)
        self._file: AppendedFile | None = None
        self._there: frozenset[str] | None = None
        with suppress(StorageError):
            self._opened()

    def take(self, batch: Sequence[Stored]) -> None:
        """StorageError, and then nothing of the batch stays in the file."""
        if self._there is None:
            self._there = frozenset(_last_ids(self._path))
        new = [stored.record for stored in batch if stored.record.id not in self._there]
        content = "".join(f"{text_of(record)}\n" for record in new).encode()
        if content:
            self._append(content)
        if len(new) == len(batch):  # from here on nothing is given again
            self._there = frozenset()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _append(self, content: bytes) -> None:
        file = self._opened()
        try:
            file.renewed(0)  # where somebody else has put it aside
            size = os.fstat(file.descriptor).st_size
            if size and size + len(content) > self._largest:
                self._put_aside()
                file = self._opened()
            _write(file, content)
        except OSError as error:
            raise storage_error(self._path, error) from error

    def _opened(self) -> AppendedFile:
        if self._file is None:
            make_folder(self._path.parent)
            self._file = AppendedFile(self._path)
        return self._file

    def _put_aside(self) -> None:
        self.close()
        for number in range(self._files, 1, -1):
            with suppress(FileNotFoundError):
                self._aside(number - 1).replace(self._aside(number))
        if self._files:
            self._path.replace(self._aside(1))
        else:
            self._path.unlink()

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _write(file: AppendedFile, content: bytes) -> None:
    """All of it, on the disk; or nothing, and OSError."""
    written = 0
    try:
        while written < len(content):
            written += os.write(file.descriptor, content[written:])
        os.fsync(file.descriptor)
    except OSError:
        file.forget(written)
        raise


def _last_ids(path: Path) -> Iterator[str]:
    """Of the lines at the end of a file, and of the one that was put aside before it."""
    for each in (path.with_name(f"{path.name}.1"), path):
        with suppress(OSError), each.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - _TAIL, 0))
            for line in file:
                with suppress(ValueError, TypeError, KeyError, RecursionError):
                    yield str(json.loads(line)["id"])
