"""Where inspections go: JSON Lines, pictures of rejects, one live line for people."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from slsg_edge.contracts import Image, Prediction
from slsg_edge.errors import StorageError
from slsg_edge.images import HEAT_SUFFIX, encode_image
from slsg_edge.line.records import Inspection, Tally, json_line
from slsg_edge.pictures import heat_overlay
from slsg_edge.preprocessing import Preprocessing, map_on_frame
from slsg_edge.storage import storage_error, write_together

if TYPE_CHECKING:
    from slsg_edge.line.sources.source import FrameSource

_STDOUT = Path("standard output")
_REDRAW = 0.1  # seconds


class ReaderGone(Exception):
    """Whoever read our standard output has closed it, as `head` does: time to end quietly."""


class Sink(Protocol):
    """Takes every inspection in order."""

    def write(self, inspection: Inspection) -> None: ...

    def close(self) -> None: ...


class JsonLinesFile:
    """Appends to a file, each record in the operating system's hands before the next frame."""

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


class RejectFolder:
    """Every frame that is not good, lossless, and beside an anomalous one a picture of its heat.

    Lossless, so that a person who finds it good can give it back to `calibrate`. Verdicts matter
    more than pictures: a full disk is told to `warn` once, and the watch goes on.
    """

    def __init__(
        self, folder: Path, preprocessing: Preprocessing, warn: Callable[[str], None]
    ) -> None:
        self._folder, self._preprocessing, self._warn = folder, preprocessing, warn
        self._warned = False
        # a later run into the same folder overwrites nothing
        self._run = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(folder, error) from error

    def write(self, inspection: Inspection) -> None:
        record, image = inspection.record, inspection.frame.image
        if record.verdict == "good" or image is None:
            return
        score = "undecided" if record.score is None else f"{record.score:.4g}"
        stem = f"{self._run}_{record.index:08d}_{score}"
        files = {f"{stem}.png": encode_image(image)}
        if inspection.prediction is not None:
            heat = self._heat(inspection.prediction, image)
            files[stem + HEAT_SUFFIX] = encode_image(heat, ".jpg")
        try:
            write_together(self._folder, files)
        except StorageError as error:
            if not self._warned:
                self._warn(f"{error.what} Verdicts go on without pictures.")
            self._warned = True

    def close(self) -> None:
        """Every picture is whole already."""

    def _heat(self, prediction: Prediction, image: Image) -> Image:
        on_frame = map_on_frame(prediction.anomaly_map, self._preprocessing, image.shape)
        return heat_overlay(image, on_frame)


class LiveLine:
    """The counts so far and the latest verdict, on one line of stderr that is drawn anew."""

    def __init__(self, source: "FrameSource") -> None:
        from rich.console import Console
        from rich.live import Live

        self._source, self._tally = source, Tally()
        self._drawn = 0.0
        # stdout stays as it is: it may be a pipe, and rich would send its lines to stderr
        self._live = Live(
            console=Console(stderr=True), transient=True, redirect_stdout=False, auto_refresh=False
        )
        self._live.start()

    def write(self, inspection: Inspection) -> None:
        from rich.text import Text

        self._tally.add(inspection.record)
        if time.monotonic() - self._drawn < _REDRAW:
            return
        self._drawn = time.monotonic()
        self._live.update(Text(self._line(inspection), overflow="ellipsis", no_wrap=True))
        self._live.refresh()

    def close(self) -> None:
        self._live.stop()

    def _line(self, inspection: Inspection) -> str:
        record, sums = inspection.record, self._tally.summary(self._source.dropped)
        latest = record.reason if record.score is None else f"score {record.score:.3g}"
        parts = (
            f"frame {record.index}: {record.verdict} ({latest})",
            f"{sums.good} good, {sums.anomalous} anomalous, {sums.undecided} undecided",
            f"detect {sums.detect_p50:.1f} ms" if sums.detect_p50 is not None else "",
            f"age {record.age_ms:.0f} ms",
            f"{sums.dropped} dropped" if self._source.live else "",
        )
        return " · ".join(filter(None, parts))


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
