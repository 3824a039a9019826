"""Inspections as JSON Lines, in a file or on standard output."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

from slsg_edge.line.records import Inspection, json_line
from slsg_edge.line.sinks.appended import AppendedFile, cut
from slsg_edge.line.sinks.line_queue import LineQueue
from slsg_edge.line.sinks.sink import warn_on_stderr
from slsg_edge.storage import require_outside_bundles


class JsonLinesFile:
    """Appends to a file, each record in the operating system's hands before the next frame.

    While the disk takes nothing, records wait. The file is this watch's alone. It is opened again
    when another one is at its path, or none, as after a rotation.
    """

    name, essential = "records", True

    def __init__(self, path: Path, warn: Callable[[str], None] = warn_on_stderr) -> None:
        """ConfigError for what is no file of records, StorageError where nothing can be written."""
        require_outside_bundles(path)
        self._file = AppendedFile(path)
        self._queue = LineQueue(self._file, warn)

    @property
    def unwritten(self) -> int:
        """Records that are not in the file."""
        return self._queue.unwritten

    def write(self, inspection: Inspection) -> None:
        self._queue.put(json_line(inspection.record).encode())

    def drain(self) -> None:
        self._queue.drain()

    def close(self) -> None:
        self._queue.close()


class JsonLinesOutput:
    """Writes to standard output, line by line for whoever reads along; to one who does not read,
    records wait.
    """

    name, essential = "records", True

    def __init__(self, warn: Callable[[str], None] = warn_on_stderr) -> None:
        sys.stdout.flush()
        self._queue = LineQueue(_Stdout(), warn) if _has_descriptor() else None

    @property
    def unwritten(self) -> int:
        """Records that nobody has taken."""
        return self._queue.unwritten if self._queue else 0

    def write(self, inspection: Inspection) -> None:
        """ReaderGone when nobody reads any more."""
        if self._queue:
            self._queue.put(json_line(inspection.record).encode())
        else:
            sys.stdout.write(json_line(inspection.record))

    def drain(self) -> None:
        if self._queue:
            self._queue.drain()

    def close(self) -> None:
        """Standard output itself is not ours to close."""
        if self._queue:
            self._queue.close()


class _Stdout:
    path = Path("standard output")

    def __init__(self) -> None:
        self.descriptor = sys.stdout.fileno()

    def renewed(self, sent: int) -> bool:
        return False

    def forget(self, count: int) -> None:
        """What is in a pipe or on a terminal cannot be taken back; in a file it can."""
        cut(self.descriptor, count)

    def close(self) -> None:
        """It is not ours to close."""


def _has_descriptor() -> bool:
    """Not where Python code has put another stream there, as notebooks do."""
    try:
        sys.stdout.fileno()
    except (OSError, io.UnsupportedOperation, AttributeError, ValueError):
        return False
    return True
