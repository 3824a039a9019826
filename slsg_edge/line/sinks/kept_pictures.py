"""Pictures of rejects, and of a share of the good parts, within a budget of bytes and days.

Verdicts matter more: pictures are written by a thread of its own, and when that cannot follow, or
the disk has little room, there are fewer of them.
"""

import random
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from slsg_edge.contracts import Image, Prediction
from slsg_edge.errors import SlsgError
from slsg_edge.images import HEAT_SUFFIX, encode_image
from slsg_edge.images.drawing import heat_overlay
from slsg_edge.line.records import Inspection, Record
from slsg_edge.line.settings.line import KeepSettings
from slsg_edge.line.sinks.picture_store import PictureStore
from slsg_edge.preprocessing import Preprocessing, map_on_frame
from slsg_edge.runtime.reasons import described, one_line
from slsg_edge.storage import require_outside_bundles

FOLDER = "pictures"
_MOST, _MOST_BYTES = 16, 256 * 2**20  # pictures that wait
_TICK = 1.0  # seconds between two looks at the disk
_RETENTION_EVERY = 60.0
_AGAIN = 5.0  # seconds without pictures after one that could not be written
_DRAIN = 1.5
_GIGABYTE = 1e9


class KeptPictures:
    """In FOLDER/pictures/DATE/STATION/ID.png, lossless, with ID_heat.jpg beside an anomalous one.

    dropped: pictures that were to be kept, and for which there was no time.
    """

    def __init__(self, folder: Path, settings: KeepSettings, warn: Callable[[str], None]) -> None:
        require_outside_bundles(folder)
        self._folder, self._settings, self._warn = folder, settings, warn
        self._waiting: deque[tuple[Inspection, Preprocessing | None]] = deque()
        self._changed = threading.Condition()
        self._busy = self._closed = False
        self._trouble: str | None = None
        self._again_at = 0.0
        self._bytes = self.dropped = 0
        self._look_at_room()
        self._thread = threading.Thread(target=self._run, name="pictures", daemon=True)
        self._thread.start()

    @property
    def bytes(self) -> int:
        """What the pictures take on the disk."""
        return self._bytes

    @property
    def trouble(self) -> str | None:
        """Why no pictures are kept just now."""
        return self._trouble

    def path_for(self, record: Record, has_picture: bool) -> str | None:
        """Where below the folder the picture of a part will be; None for one that is not kept."""
        if not has_picture or not self._wanted(record) or self._paused():
            return None
        date = record.captured_at[:10]
        return f"{FOLDER}/{date}/{record.station or 'station'}/{record.id}.png"

    def keep(self, inspection: Inspection, preprocessing: Preprocessing | None = None) -> None:
        """Returns at once; to be called where `path_for` gave a path, which the record holds.

        preprocessing: of the detector that inspected it; without one no heat is drawn.
        """
        if inspection.frame.image is None or inspection.record.image is None:
            return
        with self._changed:
            self._waiting.append((inspection, preprocessing))
            while len(self._waiting) > 1 and self._too_many():
                self._drop_one()
            self._changed.notify_all()

    def close(self) -> None:
        """What is not written within a moment is not kept."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._busy, _DRAIN)
            self._closed = True
            self._changed.notify_all()
        self._thread.join(_DRAIN / 3)

    def _wanted(self, record: Record) -> bool:
        if record.verdict != "good":
            return self._settings.rejects
        return random.random() < self._settings.good_share

    def _paused(self) -> bool:
        return self._trouble is not None and time.monotonic() < self._again_at

    def _too_many(self) -> bool:
        size = sum(_image_of(one).nbytes for one, _ in self._waiting)
        return len(self._waiting) > _MOST or size > _MOST_BYTES

    def _drop_one(self) -> None:
        """The oldest, of a good part where there is one."""
        goods = (at for at, one in enumerate(self._waiting) if one[0].record.verdict == "good")
        del self._waiting[next(goods, 0)]
        self.dropped += 1

    def _run(self) -> None:
        store = PictureStore(self._folder / FOLDER)
        retained_at = looked_at = -_RETENTION_EVERY
        while self._next_or_tick():
            now = time.monotonic()
            if now - looked_at > _TICK:
                looked_at = now
                self._look_at_room()
            if now - retained_at > _RETENTION_EVERY:
                retained_at = now
                store.remove_older(self._settings.days)
            self._write_next(store)
            store.keep_within(self._settings.gigabytes * _GIGABYTE)
            self._bytes = store.bytes

    def _next_or_tick(self) -> bool:
        """False at the end."""
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting or self._closed, _TICK)
            self._busy = bool(self._waiting)
            return not self._closed

    def _write_next(self, store: PictureStore) -> None:
        with self._changed:
            if not self._waiting:
                return
            inspection, preprocessing = self._waiting.popleft()
        try:
            self._write(store, inspection, preprocessing)
        except Exception as error:  # no picture is worth the end of all others
            self._failed(error)
        else:
            self._works_again()

    def _write(
        self, store: PictureStore, inspection: Inspection, preprocessing: Preprocessing | None
    ) -> None:
        record, image = inspection.record, _image_of(inspection)
        path = self._folder / (record.image or "")
        store.write(path, encode_image(image, ".png"))
        prediction = inspection.prediction
        if record.verdict != "anomalous" or prediction is None or preprocessing is None:
            return
        with suppress(ValueError):  # a JPEG ends at 65,500 pixels, which a line-scan camera exceeds
            heat = _heat(prediction, preprocessing, image)
            store.write(path.with_name(path.stem + HEAT_SUFFIX), encode_image(heat, ".jpg"))

    def _look_at_room(self) -> None:
        """Beside verdicts, which need some for themselves."""
        least = self._settings.free_gigabytes
        try:
            free = shutil.disk_usage(self._folder).free / _GIGABYTE
        except OSError:  # there is no folder yet, or no more; writing will say so
            return
        if free < least:
            self._again_at = float("inf")
            self._tell(
                f"The disk of {self._folder} has {free:.1f} GB left, less than {least:g}: no "
                "pictures are kept. Free some space."
            )
        elif self._again_at == float("inf"):
            self._again_at = 0.0
            self._works_again()

    def _failed(self, error: Exception) -> None:
        text = one_line(described(error))
        if self._again_at != float("inf"):
            self._again_at = time.monotonic() + _AGAIN
        self._tell(text if isinstance(error, SlsgError) else f"A picture was not kept: {text}.")

    def _tell(self, trouble: str) -> None:
        before, self._trouble = self._trouble, trouble
        if before is None:
            self._say(f"warning: {trouble} Verdicts go on.")

    def _works_again(self) -> None:
        if self._trouble is not None and self._again_at != float("inf"):
            self._trouble = None
            self._say("note: Pictures are kept again.")

    def _say(self, text: str) -> None:
        with suppress(Exception):
            self._warn(text)


def _image_of(inspection: Inspection) -> Image:
    image = inspection.frame.image
    assert image is not None  # as `keep` requires
    return image


def _heat(prediction: Prediction, preprocessing: Preprocessing, image: Image) -> Image:
    return heat_overlay(image, map_on_frame(prediction.anomaly_map, preprocessing, image.shape))
