"""Frames from a camera or a stream: the newest wins, and a lost connection is taken up again.

A thread captures, and goes on whatever a camera's driver throws; whoever takes frames never waits
longer than `stall` for one, because a read can block for ever whatever deadline was set (OpenCV
issue 22677).
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from slsg_edge.contracts import Fault, Frame, Image, Reason
from slsg_edge.line.sources.captures import CannotOpen, Capture, Deadlines, Picture
from slsg_edge.line.sources.redaction import redacted
from slsg_edge.runtime.reasons import described

MOST_FAULTS = 16  # that wait to be taken; later ones are counted at the last of them
_JOIN = 2.0  # seconds that close() waits for a blocked read before it leaves the thread behind


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """Seconds. Without a new frame for `stall` there is one with a fault.

    Reconnecting waits `first_pause`, then twice as long each time, at most `last_pause`.
    """

    stall: float = 2.0
    first_pause: float = 0.2
    last_pause: float = 5.0
    deadlines: Deadlines = field(default_factory=Deadlines)


@dataclass(slots=True)
class _Waiting:
    """A frame that nobody took yet; a fault with how often it came, and how many others did."""

    frame: Frame
    times: int = 1
    others: int = 0

    def counted(self) -> Frame:
        fault = self.frame.fault
        if fault is None or (self.times == 1 and not self.others):
            return self.frame
        times = f", {self.times} times" if self.times > 1 else ""
        others = f", then {self.others} other faults" if self.others else ""
        return replace(self.frame, fault=replace(fault, detail=f"{fault.detail}{times}{others}"))


class FrameBuffer:
    """What waits between the thread that captures and the one that takes frames.

    One image at most: a newer one takes its place, and `dropped` counts those that nobody took.
    Faults are events, so all of them wait and are taken in the order they came; the same fault
    once more is counted at the one that waits, and so is any when MOST_FAULTS wait.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()

    def put(self, frame: Frame) -> None:
        with self._changed:
            if frame.fault is None:
                self._put_image(frame)
            else:
                self._put_fault(frame)
            self._changed.notify_all()

    def take(self, timeout: float) -> Frame | None:
        """The oldest that waits; None when nothing came in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting, timeout)
            return self._waiting.popleft().counted() if self._waiting else None

    def _put_image(self, frame: Frame) -> None:
        faults = [waiting for waiting in self._waiting if waiting.frame.fault is not None]
        self.dropped += len(self._waiting) - len(faults)
        self._waiting = deque((*faults, _Waiting(frame)))

    def _put_fault(self, frame: Frame) -> None:
        faults = [waiting for waiting in self._waiting if waiting.frame.fault is not None]
        if self._waiting and self._waiting[-1].frame.fault == frame.fault:
            self._waiting[-1].times += 1
        elif len(faults) == MOST_FAULTS:
            faults[-1].others += 1
        else:
            self._waiting.append(_Waiting(frame))


class LiveSource:
    """Captures from the moment it is made, so that the first frame taken is a fresh one."""

    live = True

    def __init__(
        self,
        connect: Callable[[], Capture],
        origin: str,
        capture: Capture,
        options: LiveOptions,
    ) -> None:
        """`capture` is open already; `connect` gives another one or CannotOpen."""
        self._connect, self._origin, self._options = connect, origin, options
        self._indices = count()
        self._buffer = FrameBuffer()
        self._delivered = False  # whether the connection gave a frame yet
        self._stop = threading.Event()
        # a daemon: a read that never returns must not keep the process alive
        self._thread = threading.Thread(
            target=self._capture, args=(capture,), name="capture", daemon=True
        )
        self._thread.start()

    @property
    def dropped(self) -> int:
        return self._buffer.dropped

    def __iter__(self) -> Iterator[Frame]:
        stall = self._options.stall
        while not self._stop.is_set():
            frame = self._buffer.take(stall)
            yield frame or self._fault("no_frame", f"no frame from {self._origin} for {stall:g} s")

    def close(self) -> None:
        """Returns within about two seconds, even while a read is blocked."""
        self._stop.set()
        self._thread.join(_JOIN)

    def __enter__(self) -> "LiveSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _capture(self, capture: Capture | None) -> None:
        """The thread: connect, read until that fails, wait, and again until the source closes."""
        pause = 0.0
        while not self._stop.is_set():
            self._delivered = False
            try:
                self._use_connection(capture)
            # Nobody would ever start this thread again, so it outlives whatever is raised in it;
            # SystemExit too, which in a thread ends that thread and nothing else.
            except BaseException as error:
                self._put_fault("no_frame", f"{self._origin} failed: {redacted(described(error))}")
            # a peer that lets itself be opened and then sends nothing is no success
            pause = self._options.first_pause if self._delivered else self._longer(pause)
            capture = None
            self._stop.wait(pause)

    def _use_connection(self, capture: Capture | None) -> None:
        """One connection until it is lost; `capture` is None where it is yet to be made."""
        try:
            capture = capture or self._connect()
        except CannotOpen:
            self._put_fault("no_frame", f"{self._origin} cannot be reached")
            return
        try:
            self._drain(capture)
        finally:
            capture.close()
        self._put_fault("no_frame", f"{self._origin} stopped sending")

    def _drain(self, capture: Capture) -> None:
        """Every frame until there is none."""
        while not self._stop.is_set() and (picture := capture.read()) is not None:
            self._buffer.put(self._frame(picture))
            self._delivered = True

    def _put_fault(self, reason: Reason, detail: str) -> None:
        """Not while the source closes: what fails then fails because of that."""
        if not self._stop.is_set():
            self._buffer.put(self._fault(reason, detail))

    def _longer(self, pause: float) -> float:
        return min(max(2 * pause, self._options.first_pause), self._options.last_pause)

    def _frame(self, picture: Picture) -> Frame:
        stamps = picture.captured_at, picture.captured_monotonic
        return self._made(*stamps, picture.image, picture.fault)

    def _fault(self, reason: Reason, detail: str) -> Frame:
        return self._made(time.time(), time.monotonic(), None, Fault(reason, detail))

    def _made(
        self, captured_at: float, monotonic: float, image: Image | None, fault: Fault | None
    ) -> Frame:
        return Frame(next(self._indices), self._origin, captured_at, monotonic, image, fault)
