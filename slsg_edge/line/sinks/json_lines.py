"""Inspections as JSON Lines, in a file or on standard output."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from slsg_edge.line.records import Inspection, json_line
from slsg_edge.line.sinks.sink import ReaderGone
from slsg_edge.storage import storage_error

_STDOUT = Path("standard output")


class JsonLinesFile:
    """Appends to a file, each record in the operating system's hands before the next frame."""

    name, essential = "records", True

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # unbuffered, so that a failed write is not tried again when closing
            self._file = path.open("ab", buffering=0)
            if _torn(path):
                self._append(b"\n")
        except OSError as error:
            raise storage_error(path, error) from error

    def write(self, inspection: Inspection) -> None:
        """StorageError when the record is not in the file."""
        try:
            self._append(json_line(inspection.record).encode())
        except OSError as error:
            raise storage_error(self._path, error) from error

    def close(self) -> None:
        self._file.close()

    def _append(self, line: bytes) -> None:
        while line:
            line = line[self._file.write(line) :]


class JsonLinesOutput:
    """Writes to standard output, flushed line by line for whoever reads along."""

    name, essential = "records", True

    def write(self, inspection: Inspection) -> None:
        """ReaderGone when nobody reads any more, StorageError when it cannot be written."""
        try:
            sys.stdout.write(json_line(inspection.record))
            sys.stdout.flush()
        except BrokenPipeError:
            _mute_stdout()
            raise ReaderGone from None
        except OSError as error:
            _mute_stdout()
            raise storage_error(_STDOUT, error) from error

    def close(self) -> None:
        """Standard output is not ours to close."""


def _torn(path: Path) -> bool:
    """Whether a former run was stopped in the middle of a line."""
    with suppress(OSError), path.open("rb") as file:  # a pipe or a device has no former run
        if file.seekable() and file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    return False


def _mute_stdout() -> None:
    """Python flushes once more at exit, and would complain a second time and exit with 120."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
