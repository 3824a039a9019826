"""Pictures for pages: the newest of a station, encoded only when somebody looks, and kept ones."""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.bundle.folder import Bundle
from slsg_edge.contracts import Image
from slsg_edge.errors import SlsgError
from slsg_edge.images import HEAT_SUFFIX, encode_image, read_image
from slsg_edge.images.drawing import heat_overlay
from slsg_edge.line.records import Inspection, Record
from slsg_edge.preprocessing import map_on_frame, resize

_EVERY = 0.2  # seconds between two pictures of one station that are encoded
_WIDEST = 1280  # pixels: more than a tablet shows
WIDTHS = {"small": 480, "large": _WIDEST}  # of kept pictures on pages
_KEPT = 50  # of those in memory, 20 to 150 kB each
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True, slots=True)
class Shot:
    """A JPEG of a part; no content where there is no picture."""

    record: Record
    content: bytes | None


class LivePictures:
    """The newest picture of each station with or without its heat, at most five in a second."""

    def __init__(self, bundle: Callable[[str], Bundle]) -> None:
        self._bundle = bundle
        self._lock = threading.Lock()
        self._encoding: dict[str, threading.Lock] = {}
        self._shots: dict[tuple[str, bool], tuple[float, Shot]] = {}

    def shot(self, station: str, newest: Inspection, heat: bool) -> Shot:
        """Of `newest`, or of one that is younger than a fifth of a second."""
        with self._lock:
            encoding = self._encoding.setdefault(station, threading.Lock())
        key = (station, heat)
        with encoding:
            at, known = self._shots.get(key, (0.0, None))
            if known and (known.record is newest.record or time.monotonic() - at < _EVERY):
                return known
            made = Shot(newest.record, self._encoded(station, newest, heat))
            self._shots[key] = (time.monotonic(), made)
            return made

    def _encoded(self, station: str, newest: Inspection, heat: bool) -> bytes | None:
        image, prediction = newest.frame.image, newest.prediction
        if image is None:
            return None
        if heat and prediction is not None:
            spec = self._bundle(station).manifest.preprocessing
            layer = map_on_frame(prediction.anomaly_map, spec, image.shape)
            image = heat_overlay(image, layer)
        return encode_image(_at_most(image, _WIDEST), ".jpg")


class KeptFiles:
    """Pictures in the folder of the line: whatever a record names, nothing outside is read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._decoding = threading.Lock()  # one at a time: the processor is there to inspect
        self._small: OrderedDict[tuple[Path, int], bytes] = OrderedDict()

    def path_of(self, image: str | None, *, heat: bool = False) -> Path | None:
        """Of the picture that a record names; None where there is none that may be shown."""
        if not image:
            return None
        try:
            path = _heat_of(Path(image)) if heat else Path(image)
            root = self._folder.resolve()
            found = (root / path).resolve()
            inside = found.is_relative_to(root) and found.is_file()
        except (OSError, ValueError, RuntimeError):  # a loop of links, a zero in the name
            return None
        return found if inside and found.suffix.lower() in _SUFFIXES else None

    def shrunk(self, path: Path, widest: int) -> bytes | None:
        """As a JPEG for a page; None where it cannot be read."""
        key = path, widest
        with self._lock:
            if key in self._small:
                self._small.move_to_end(key)
                return self._small[key]
        try:
            with self._decoding:
                made = encode_image(_at_most(read_image(path), widest), ".jpg")
        except (SlsgError, OSError, ValueError):  # retention took it, or it is damaged
            return None
        with self._lock:
            self._small[key] = made
            while len(self._small) > _KEPT:
                self._small.popitem(last=False)
        return made


def _heat_of(image: Path) -> Path:
    """ValueError for what has no name."""
    return image.with_name(image.stem + HEAT_SUFFIX)


def is_id(text: str) -> bool:
    """Whether it could be the id of a verdict."""
    return bool(_ID.fullmatch(text))


def _at_most(image: Image, widest: int) -> Image:
    height, width = image.shape[:2]
    scale = widest / max(height, width)
    if scale >= 1:
        return image
    return resize(image, max(1, round(height * scale)), max(1, round(width * scale)))
