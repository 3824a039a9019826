"""Frames from files: every one counts, and decoding overlaps with inspecting."""

import threading
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from queue import Empty, Full, Queue

from slsg_edge.contracts import Fault, Frame, Reason
from slsg_edge.data.left_out import NOWHERE, known_endings, lines_of, nothing_else
from slsg_edge.data.listing import list_images, natural
from slsg_edge.data.names import printable
from slsg_edge.errors import DatasetError
from slsg_edge.images import ImageError, read_image
from slsg_edge.line.sources.captures import Capture
from slsg_edge.line.sources.redaction import redacted
from slsg_edge.runtime.reasons import described

AHEAD = 2  # frames: one in work, one ready
_PATIENCE = 5.0  # seconds
_JOIN = 1.0  # seconds
COMPLETE = 0.95  # share of the frames that a container claims; for some it is an estimate


class FileSource:
    """Runs `frames` in a thread, a little ahead of whoever takes them.

    Where a read does not come back, as on a share that is gone, a frame with a fault says so after
    `patience` seconds, and again each time. notes: for people, on
    files that were left out.
    """

    live = False
    dropped = 0

    def __init__(
        self,
        frames: Generator[Frame, None, None],
        notes: tuple[str, ...] = (),
        patience: float = _PATIENCE,
    ) -> None:
        self._frames, self._patience, self.notes = frames, patience, notes
        self._ready: Queue[Frame | BaseException | None] = Queue(AHEAD - 1)
        self._stop = threading.Event()
        # a daemon: a read that never returns must not keep the process alive
        self._thread = threading.Thread(target=self._read_ahead, name="read-ahead", daemon=True)
        self._taken = 0

    def __iter__(self) -> Iterator[Frame]:
        self._thread.start()
        origin = ""
        while not self._stop.is_set():
            try:
                frame = self._ready.get(timeout=self._patience)
            except Empty:
                text = f"nothing could be read for {self._patience:g} s: the disk does not answer"
                frame = _fault(0, origin, "no_frame", text)
            if frame is None:
                return
            if isinstance(frame, BaseException):
                raise frame
            origin = frame.origin
            yield replace(frame, index=self._taken)
            self._taken += 1

    def close(self) -> None:
        """Waits a second for the frame in work, and leaves a read that hangs behind."""
        self._stop.set()
        if self._thread.ident is not None:
            with suppress(Empty):
                self._ready.get_nowait()  # room for the one that waits to be put
            self._thread.join(_JOIN)
        with suppress(Full):
            self._ready.put_nowait(None)  # whoever waits for a frame waits no longer
        if not self._thread.is_alive():
            self._frames.close()

    def __enter__(self) -> "FileSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read_ahead(self) -> None:
        try:
            for frame in self._frames:
                self._ready.put(frame)
                if self._stop.is_set():
                    return
            self._ready.put(None)
        except BaseException as error:  # whoever takes frames hears of it
            self._ready.put(error)


def image_frames(paths: Iterable[Path], depth: int | None = None) -> Generator[Frame, None, None]:
    """A file that cannot be read is a frame with a fault; depth: as for `read_image`."""
    for index, path in enumerate(paths):
        yield _image_frame(index, path, depth)


def video_frames(capture: Capture, origin: str) -> Generator[Frame, None, None]:
    """All frames, then one with a fault when the video ends before it should."""
    expected = capture.frame_count
    try:
        for index in count():
            picture = capture.read()
            if picture is None:
                break
            stamps = picture.captured_at, picture.captured_monotonic
            yield Frame(index, origin, *stamps, image=picture.image, fault=picture.fault)
        if index == 0 or index < COMPLETE * expected:
            text = f"the video ends after {index} of {max(expected, 0)} frames"
            yield _fault(index, origin, "no_frame", text)
    except Exception as error:  # a decoder that throws may throw for ever, so this is the end
        text = f"the video cannot be read on: {redacted(described(error))}"
        yield _fault(index, origin, "unreadable", text)
    finally:
        capture.close()


def _image_frame(index: int, path: Path, depth: int | None) -> Frame:
    stamps = time.time(), time.monotonic()
    try:
        return Frame(index, str(path), *stamps, image=read_image(path, depth))
    except Exception as error:  # whatever it is, the files after this one are still to be read
        fault = (
            error.fault if isinstance(error, ImageError) else Fault("unreadable", described(error))
        )
        return Frame(index, str(path), *stamps, fault=fault)


def _fault(index: int, origin: str, reason: Reason, detail: str) -> Frame:
    return Frame(index, origin, time.time(), time.monotonic(), fault=Fault(reason, detail))


def images_in(folder: Path) -> list[Path]:
    """The images of `folder` and the folders in it, in natural order; hidden ones are left out.

    DatasetError when there is none, or a folder that may not be read.
    """
    return images_and_notes(folder)[0]


def images_and_notes(folder: Path) -> tuple[list[Path], tuple[str, ...]]:
    """As `images_in`, and what was left out and why, for people.

    A link that leads nowhere is among the images, and a frame with a fault: nobody has seen it.
    """
    listing = list_images(folder)
    gone = [one for one in listing.left_out if one.why == NOWHERE]
    others = [one for one in listing.left_out if one.why != NOWHERE]
    found = sorted((*listing.images, *(one.path for one in gone)), key=natural)
    if not found:
        raise DatasetError(
            f"{printable(folder)} holds no images.{nothing_else(others)}",
            fix=f"Give a folder with images that are called {known_endings()}.",
        )
    return found, lines_of(others)
