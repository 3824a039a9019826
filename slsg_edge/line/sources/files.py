"""Frames from files: every one counts, and decoding overlaps with inspecting."""

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from slsg_edge.contracts import Fault, Frame, Reason
from slsg_edge.data.left_out import NOWHERE, known_endings, lines_of, nothing_else
from slsg_edge.data.listing import list_images, natural
from slsg_edge.data.names import printable
from slsg_edge.errors import DatasetError
from slsg_edge.images import ImageError, read_image
from slsg_edge.line.sources.captures import UNDECODABLE, Capture, frame_count, read_picture
from slsg_edge.line.sources.redaction import redacted
from slsg_edge.runtime.reasons import described

AHEAD = 2  # frames: one in work, one ready
COMPLETE = 0.95  # share of the frames that a container claims; for some it is an estimate


class FileSource:
    """Runs `frames` in a thread, a little ahead of whoever takes them.

    notes: for people, on files that were left out.
    """

    live = False
    dropped = 0

    def __init__(self, frames: Generator[Frame, None, None], notes: tuple[str, ...] = ()) -> None:
        self._frames, self.notes = frames, notes
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")

    def __iter__(self) -> Iterator[Frame]:
        pending = deque(self._pool.submit(next, self._frames, None) for _ in range(AHEAD))
        while (frame := pending.popleft().result()) is not None:
            pending.append(self._pool.submit(next, self._frames, None))
            yield frame

    def close(self) -> None:
        """Waits for the frame in work, then releases the file."""
        self._pool.shutdown(cancel_futures=True)
        self._frames.close()

    def __enter__(self) -> "FileSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def image_frames(paths: Iterable[Path], depth: int | None = None) -> Generator[Frame, None, None]:
    """A file that cannot be read is a frame with a fault; depth: as for `read_image`."""
    for index, path in enumerate(paths):
        yield _image_frame(index, path, depth)


def video_frames(capture: Capture, origin: str) -> Generator[Frame, None, None]:
    """All frames, then one with a fault when the video ends before it should."""
    expected = frame_count(capture)
    try:
        for index in count():
            picture = read_picture(capture)
            if picture is None:
                break
            fault = None if picture.image is not None else UNDECODABLE
            stamps = picture.captured_at, picture.captured_monotonic
            yield Frame(index, origin, *stamps, image=picture.image, fault=fault)
        if index == 0 or index < COMPLETE * expected:
            text = f"the video ends after {index} of {max(expected, 0)} frames"
            yield _fault(index, origin, "no_frame", text)
    except Exception as error:  # a decoder that throws may throw for ever, so this is the end
        text = f"the video cannot be read on: {redacted(described(error))}"
        yield _fault(index, origin, "unreadable", text)
    finally:
        capture.release()


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
