"""A trigger that somebody else pulls: each request gets exactly one frame."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from slsg_edge.contracts import Fault, Frame
from slsg_edge.line.triggers.requests import Requests

_LOOK = 0.5  # seconds between two looks at whether the source has ended


class Asked:
    """Takes frames in a thread of its own, so that the one asked for is there when it is due.

    Of a camera it is the first whole one that was captured after the request. Files that wait to
    be read have no such time, so each request gets the next one; a dropped file counts from when
    it came. Without one in time the frame has the fault that was seen meanwhile, or says so.

    trouble: the fault of the newest frame of a camera, also while nobody asks; None when it is
    whole.
    """

    def __init__(self, requests: Requests, patience: float) -> None:
        self._requests, self._patience = requests, patience
        self.skipped = 0
        self._last: Frame | None = None
        self._seen: Frame | None = None  # the last one with a fault
        self._ended: BaseException | bool = False
        self._closed = False

    @property
    def idle(self) -> bool:
        return self._requests.idle

    @property
    def trouble(self) -> str | None:
        last = self._last
        return last.fault.detail if last is not None and last.fault is not None else None

    def chosen(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        live = getattr(frames, "live", True)
        take = self._follow if live else self._fetch
        threading.Thread(
            target=self._guarded, args=(take, frames), name="trigger", daemon=True
        ).start()
        while not self._closed:
            frame = self._requests.answer(self._patience, _LOOK, self._missing)
            if frame is not None:
                yield frame
            elif self._ended and self._requests.idle:
                self._raise()
                return

    def close(self) -> None:
        """The requests outlast it: a source that is opened anew answers them."""
        self._closed = True

    def _guarded(self, take: Callable[[Iterable[Frame]], None], frames: Iterable[Frame]) -> None:
        try:
            take(frames)
            self._ended = True
        except BaseException as error:  # whoever takes frames hears of it
            self._ended = error

    def _follow(self, frames: Iterable[Frame]) -> None:
        """Of a camera: every frame is looked at, whether asked for or not."""
        for frame in frames:
            if self._closed:
                return
            self._last = frame
            if frame.fault is not None or frame.image is None:
                self._seen = frame
            elif not self._requests.offer(frame):
                self.skipped += 1

    def _fetch(self, frames: Iterable[Frame]) -> None:
        """Of files: none is read on before it is asked for."""
        waiting = iter(frames)
        while not self._closed:
            if not self._requests.wait(_LOOK):
                continue
            frame = next(waiting, None)
            if frame is None:
                return
            if frame.part is None:
                at = time.time(), time.monotonic()
                frame = replace(frame, captured_at=at[0], captured_monotonic=at[1])
            self._last = frame
            if not self._requests.offer(frame):
                self.skipped += 1

    def _missing(self, asked: float) -> Frame:
        """A frame that says why there is none."""
        seen, last = self._seen, self._last
        if seen is not None and seen.captured_monotonic > asked and seen.fault is not None:
            fault = seen.fault
        else:
            waited = round(self._patience * 1000)
            fault = Fault("no_frame", f"no frame came within {waited} ms of the trigger")
        index, origin = (last.index + 1, last.origin) if last else (0, "")
        return Frame(index, origin, time.time(), time.monotonic(), fault=fault)

    def _raise(self) -> None:
        if isinstance(self._ended, BaseException):
            raise self._ended
