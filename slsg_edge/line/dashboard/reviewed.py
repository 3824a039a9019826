"""Pictures that a person has labelled, sorted into folders that `calibrate --add-reviewed` takes.

Each station has folders of its own, since it has a bundle of its own.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import get_args

from slsg_edge.line.dashboard.door import Label, Verdicts
from slsg_edge.line.dashboard.pictures import KeptFiles
from slsg_edge.line.records import Record
from slsg_edge.storage import storage_error

FOLDER = "reviewed"


class ReviewedFolder:
    """Below the folder of the line: `reviewed/STATION/good` and `bad`."""

    def __init__(self, folder: Path, kept: KeptFiles) -> None:
        self._root, self._kept = folder / FOLDER, kept

    def of(self, station: str) -> Path:
        return self._root / station

    def place(self, record: Record, label: str | None) -> bool:
        """Its picture where its label says, and nowhere else; whether there is a picture.

        StorageError where it cannot be written.
        """
        picture = self._kept.path_of(record.image)
        try:
            for other in get_args(Label):
                if other != label:
                    _remove(self.of(record.station) / other, record.id)
            if picture is None or label is None:
                return False
            folder = self.of(record.station) / label
            folder.mkdir(parents=True, exist_ok=True)
            _link_or_copy(picture, folder / f"{record.id}{picture.suffix}")
        except OSError as error:
            raise storage_error(self._root, error) from error
        return True

    def place_all(self, verdicts: Verdicts) -> int:
        """Every labelled picture that is still kept; how many."""
        found = 0
        for verdict_id, label in verdicts.labels().items():
            stored = verdicts.find(verdict_id)
            found += stored is not None and self.place(stored.record, label)
        return found


def _remove(folder: Path, name: str) -> None:
    for path in folder.glob(f"{name}.*"):
        path.unlink(missing_ok=True)


def _link_or_copy(picture: Path, target: Path) -> None:
    """A second name for the same bytes takes no room, and stays when the picture's time is over."""
    with suppress(FileExistsError):
        try:
            os.link(picture, target)
        except FileExistsError:
            raise
        except OSError:  # another disk, or one that knows no links
            part = target.with_suffix(".part")
            shutil.copyfile(picture, part)
            part.replace(target)
