"""A folder that files drop into: each is taken once, when its writer is done with it."""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Literal, TypeAlias, cast

from slsg_edge.config import unknown_name
from slsg_edge.contracts import Fault, Frame
from slsg_edge.data.names import printable
from slsg_edge.errors import DatasetError
from slsg_edge.images import ImageError, read_image
from slsg_edge.line.sources.drop_scan import Dropped, DropScan, identity_of, marks_of
from slsg_edge.runtime.reasons import described, one_line

After: TypeAlias = Literal["keep", "move", "delete"]

PREFIX = "drop:"
_AFTER = ("keep", "move", "delete")
_MOVED = "done"  # the folder in it that files are moved to
_LOOK_EVERY = 0.05  # seconds
_AHEAD = 2  # pictures that were read and not taken
_GIVE_UP = 3.0  # seconds without a change after which a file that cannot be read never will be
_HANGS = 5.0  # seconds after which a disk that does not answer is a fault
_GONE_EVERY = 1.8  # seconds between two faults of a folder that is gone
_JOIN = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DropAddress:
    folder: Path
    after: After = "keep"


def drop_address(text: str) -> DropAddress:
    """Of `drop:FOLDER` or `drop:FOLDER?after=move`. ConfigError, DatasetError for another."""
    body = text.removeprefix(PREFIX)
    folder, _, options = body.rpartition("?") if _has_options(body) else (body, "", "")
    if not folder:
        raise DatasetError(f"'{text}' names no folder.", fix="Write drop:FOLDER.")
    if not Path(folder).is_dir():
        raise DatasetError(
            f"There is no folder {printable(folder)} that files could drop into.",
            fix=f"Make it: mkdir -p '{printable(folder)}'",
        )
    return DropAddress(Path(folder), _after(options))


def _has_options(body: str) -> bool:
    return "?" in body and "=" in body.rpartition("?")[2] and not Path(body).is_dir()


def _after(options: str) -> After:
    after: After = "keep"
    for option in filter(None, options.split("&")):
        name, _, value = option.partition("=")
        if name != "after":
            raise unknown_name(name, ("after",), what="option of a drop folder")
        if value not in _AFTER:
            raise unknown_name(value, _AFTER, what="value of after=")
        after = cast("After", value)
    return after


class DropFolder:
    """Files as they come, each a part of its own, in the order of their times.

    skip: whether a part was inspected before, as by the process that ran until now. trouble: why
    a file could not be moved or deleted.
    """

    live = False
    dropped = 0

    def __init__(
        self,
        address: DropAddress,
        depth: int | None = None,
        skip: Callable[[str], bool] = lambda part: False,
    ) -> None:
        self._address, self._depth, self._skip = address, depth, skip
        self.trouble: str | None = None
        self._scan = DropScan(address.folder)
        self._waiting: deque[tuple[Dropped, float]] = deque()
        self._ready: Queue[Frame] = Queue(_AHEAD)
        self._taken: dict[str, Dropped] = {}
        self._stop = threading.Event()
        self._alive_at, self._looked_at, self._told_at = time.monotonic(), 0.0, 0.0
        self._indices = count()
        # a daemon: a disk that never answers must not keep the process alive
        self._thread = threading.Thread(target=self._run, name="drop-folder", daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Whether no file waits to be inspected."""
        return not (self._scan.busy or self._waiting or self._ready.qsize())

    def __iter__(self) -> Iterator[Frame]:
        while not self._stop.is_set():
            try:
                yield self._ready.get(timeout=_LOOK_EVERY)
            except Empty:
                if time.monotonic() - self._alive_at > _HANGS:
                    self._alive_at = time.monotonic()
                    yield self._fault(f"does not answer for {_HANGS:g} s")

    def done(self, part: str) -> None:
        """Its verdict is kept: the file is moved or deleted, where that was asked for."""
        dropped = self._taken.pop(part, None)
        if dropped is not None:
            self._put_away(dropped)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(_JOIN)

    def __enter__(self) -> "DropFolder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        """The thread; whatever happens, it goes on, since nobody would start it again."""
        while not self._stop.is_set():
            self._alive_at = time.monotonic()
            try:
                self._look()
                frame = self._read(*self._waiting.popleft()) if self._waiting else None
            except Exception as error:
                frame = self._gone(error)
            if frame is not None:
                self._put(frame)
            elif not self._waiting:
                self._stop.wait(_LOOK_EVERY)

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_EVERY:
            self._waiting.extend((dropped, now) for dropped in self._scan.look(now))
            self._looked_at = time.monotonic()

    def _put(self, frame: Frame) -> None:
        while not self._stop.is_set():
            try:
                self._ready.put(frame, timeout=_LOOK_EVERY)
            except Full:
                self._alive_at = time.monotonic()
            else:
                return

    def _read(self, dropped: Dropped, ready_at: float) -> Frame | None:
        """None where it was inspected before, or is not whole yet."""
        if self._was_inspected(dropped.part):
            self._put_away(dropped)
            return None
        image, fault = None, None
        try:
            image = read_image(dropped.path, self._depth)
        except Exception as error:
            fault = _fault_of(error)
        now, identity = time.monotonic(), identity_of(dropped.path)
        if identity is not None and identity != dropped.identity:
            self._scan.again(dropped, now)
            return None
        if identity is not None and fault is not None and _may_become_whole(dropped, fault, now):
            self._scan.again(dropped, dropped.since + _GIVE_UP)
            return None
        if self._address.after != "keep":
            self._taken[dropped.part] = dropped
        stamps = time.time() - (now - ready_at), ready_at
        origin = str(dropped.path)
        return Frame(next(self._indices), origin, *stamps, image, fault, dropped.part)

    def _was_inspected(self, part: str) -> bool:
        try:
            return self._skip(part)
        except Exception as error:  # inspected twice is better than not at all
            _log.warning("whether %s was inspected is not known: %s", part, described(error))
            return False

    def _gone(self, error: Exception) -> Frame | None:
        self._stop.wait(_LOOK_EVERY)
        if time.monotonic() - self._told_at < _GONE_EVERY:
            return None
        self._told_at = time.monotonic()
        return self._fault(f"cannot be read: {one_line(described(error))}")

    def _fault(self, what: str) -> Frame:
        folder = str(self._address.folder)
        fault = Fault("no_frame", f"the folder {printable(folder)} {what}")
        return Frame(next(self._indices), folder, time.time(), time.monotonic(), fault=fault)

    def _put_away(self, dropped: Dropped) -> None:
        """Not where another file has the name meanwhile."""
        if self._address.after == "keep" or identity_of(dropped.path) != dropped.identity:
            return
        try:
            for path in (dropped.path, *filter(Path.is_file, marks_of(dropped.path))):
                self._put_away_file(path)
            self.trouble = None
        except OSError as error:
            text = f"{printable(dropped.path)} was inspected and cannot be put away: {error}"
            if self.trouble is None:
                _log.warning("%s", text)
            self.trouble = text

    def _put_away_file(self, path: Path) -> None:
        if self._address.after == "delete":
            path.unlink(missing_ok=True)
            return
        moved = path.parent / _MOVED
        moved.mkdir(exist_ok=True)
        target = next(
            target
            for number in count()
            if not os.path.lexists(target := moved / (f"{number}_" * bool(number) + path.name))
        )
        path.rename(target)


def _may_become_whole(dropped: Dropped, fault: Fault, now: float) -> bool:
    """Whether somebody may still write to a file with such a fault."""
    written = fault.reason in ("damaged_frame", "unreadable")
    return written and not dropped.marked and now - dropped.since < _GIVE_UP


def _fault_of(error: Exception) -> Fault:
    if isinstance(error, ImageError):
        return error.fault
    return Fault("unreadable", described(error))
