"""Frames from a camera or a stream: the newest wins, and a lost connection is taken up again.

A process of its own captures, and is killed when it hangs: a read can block for ever whatever
deadline was set (OpenCV issue 22677). Whoever takes frames never waits longer than `stall` for
one.
"""

import threading
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

from slsg_edge.contracts import Fault, Frame, Image, Reason
from slsg_edge.line.sources.buffer import FrameBuffer
from slsg_edge.line.sources.capture_process import CaptureProcess
from slsg_edge.line.sources.capturing import LiveOptions
from slsg_edge.line.sources.connecting import Address
from slsg_edge.line.sources.decoders import say_what_is_not_seen

_ENDED = "the capturing process ended"
_JOIN = 1.0  # seconds that close() waits for the thread
_STARTS = 15.0  # seconds that a process may take until it opens the camera: a slow machine
_GRACE = 0.4  # seconds beyond a deadline before the process is killed
_LONGEST_PAUSE = 5.5  # seconds between two attempts


class LiveSource:
    """Captures from the moment it is made, so that the first frame taken is a fresh one."""

    live = True

    def __init__(self, address: Address, options: LiveOptions) -> None:
        self._address, self._options = address, options
        self._indices = count()
        self._lost = 0  # pictures that the process had no room for, or skipped
        self._number = 0
        self._buffer = FrameBuffer()
        self._stop = threading.Event()
        self._begun, self._heard = threading.Event(), threading.Event()
        self.opened: int | None = None  # frames that the source claims to hold, when it is open
        self.wrong: str | None = None  # why the address itself cannot be right
        self._process = CaptureProcess(address, options)
        self._thread = threading.Thread(target=self._supervise, name="capture", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        return self._buffer.dropped + self._lost

    def wait(self, timeout: float) -> None:
        """Until the source was opened or refused, or took so long for it."""
        self._begun.wait(_STARTS)
        self._heard.wait(timeout)

    def __iter__(self) -> Iterator[Frame]:
        stall = self._options.stall + self._options.slack
        while not self._stop.is_set():
            frame = self._buffer.take(stall)
            if frame is None and self._stop.is_set():
                return
            text = f"no frame from {self._address.origin} for {stall:g} s"
            yield self._fresh(frame) if frame else self._fault("no_frame", text)

    def close(self) -> None:
        """Returns within a second, whatever the camera does."""
        self._stop.set()
        self._buffer.close()
        self._process.kill()
        self._thread.join(_JOIN)

    def __enter__(self) -> "LiveSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _supervise(self) -> None:
        """The thread: hears what the process says, kills it when it hangs, starts another."""
        while True:
            why = self._hear()
            self._process.close()
            if self._stop.wait(self._options.last_pause if why == _ENDED else 0):
                return
            text = f"{self._address.origin}: {why}; capturing starts anew"
            self._buffer.put(self._fault("no_frame", text))
            self._begun.set()
            self._number = 0
            self._process = CaptureProcess(self._address, self._options)

    def _hear(self) -> str:
        """Every event until the process has ended or hangs, which it says."""
        patience = _STARTS
        while not self._stop.is_set():
            events = self._process.events(patience)
            if events is None:
                return _ENDED
            if not events:
                return f"nothing came for {patience:.1f} s"
            for event in events:
                patience = self._take(event)
        return "closed"

    def _take(self, event: dict[str, Any]) -> float:
        """Seconds that the process may take until the next event."""
        deadlines = self._options.deadlines
        kind = event.pop("event")
        if kind == "opening":
            self._begun.set()
            return deadlines.open + _GRACE
        if kind == "opened":
            if self.opened is None and self._address.kind in ("file", "stream"):
                say_what_is_not_seen(event["codec"])
            self.opened = event["frame_count"]
        elif kind == "wrong":
            self.wrong = event["why"]
        elif kind == "skipped":
            self._lost += 1
        elif kind == "picture":
            self._take_picture(**event)
        else:
            self._take_fault(**event)
        if kind != "skipped":
            self._heard.set()
        reading = deadlines.read + _GRACE + self._options.slack
        return reading if self._reading(kind, event) else _LONGEST_PAUSE

    def _reading(self, kind: str, event: dict[str, Any]) -> bool:
        """Whether the process reads on, and does not pause after a lost connection."""
        return kind in ("opened", "skipped", "picture") or event.get("monotonic") is not None

    def _take_picture(self, number: int, shape: list[int], at: float, monotonic: float) -> None:
        self._lost += number - self._number - 1
        self._number = number
        image = self._process.picture(number, tuple(shape))
        if image is None:
            self._lost += 1
        else:
            self._buffer.put(self._made(at, monotonic, image, None))

    def _take_fault(
        self, reason: Reason, detail: str, at: float | None = None, monotonic: float | None = None
    ) -> None:
        stamps = at or time.time(), monotonic or time.monotonic()
        self._buffer.put(self._made(*stamps, None, Fault(reason, detail)))

    def _fresh(self, frame: Frame) -> Frame:
        """Without its picture where that waited too long, here or on its way."""
        oldest = self._options.oldest
        if frame.image is None or time.monotonic() - frame.captured_monotonic <= oldest:
            return frame
        fault = Fault("stale", f"the picture was older than {oldest:g} s when its turn came")
        stamps = frame.captured_at, frame.captured_monotonic
        return Frame(frame.index, frame.origin, *stamps, None, fault)

    def _fault(self, reason: Reason, detail: str) -> Frame:
        return self._made(time.time(), time.monotonic(), None, Fault(reason, detail))

    def _made(
        self, captured_at: float, monotonic: float, image: Image | None, fault: Fault | None
    ) -> Frame:
        stamps = captured_at, monotonic
        return Frame(next(self._indices), self._address.origin, *stamps, image, fault)
