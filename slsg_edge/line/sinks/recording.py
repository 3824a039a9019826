"""The first frames of a new line, for a person to sort and for `calibrate --add-reviewed`."""

from datetime import datetime, timezone
from pathlib import Path

from slsg_edge.images import encode_image
from slsg_edge.line.records import Inspection
from slsg_edge.storage import require_outside_bundles, write_new


class Recording:
    """The first frames that are inspected, whole and lossless, whatever the verdict.

    A failure ends the recording, not the watch: verdicts matter more, and the first frames of a
    line with a gap in them are not the first any more.
    """

    name, essential = "a recording", False

    def __init__(self, folder: Path, frames: int) -> None:
        require_outside_bundles(folder)
        self.folder, self.recorded = folder, 0
        self._left = frames
        self._run = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S")

    def write(self, inspection: Inspection) -> None:
        """StorageError on a full disk; ValueError or OpenCV's for what cannot be encoded."""
        frame = inspection.frame
        if not self._left or frame.image is None or frame.fault is not None:
            return
        left, self._left = self._left, 0  # nothing more, unless this one is kept
        # where two cameras began in the same second, neither overwrites the other's
        path = self.folder / f"{self._run}_{inspection.record.index:08d}.png"
        write_new(path, encode_image(frame.image, path.suffix))
        self.recorded += 1
        self._left = left - 1

    def close(self) -> None:
        """Every picture is whole already."""
