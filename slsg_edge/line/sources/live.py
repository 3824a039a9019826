"""Frames from a camera or a stream: the newest wins, and a lost connection is taken up again.

A thread captures; whoever takes frames never waits longer than `stall` for one, because a read
can block for ever whatever deadline was set (OpenCV issue 22677).
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from slsg_edge.contracts import Frame, Image
from slsg_edge.images import quiet_opencv
from slsg_edge.line.sources.captures import Capture, Deadlines, Picture, read_picture

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


class Newest:
    """A slot of depth one between two threads; what nobody took in time is counted."""

    def __init__(self) -> None:
        self.dropped = 0
        self._frame: Frame | None = None
        self._changed = threading.Condition()

    def put(self, frame: Frame) -> None:
        with self._changed:
            self.dropped += self._frame is not None
            self._frame = frame
            self._changed.notify_all()

    def take(self, timeout: float) -> Frame | None:
        """None when nothing came in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None, timeout)
            frame, self._frame = self._frame, None
            return frame


class LiveSource:
    """Captures from the moment it is made, so that the first frame taken is a fresh one."""

    live = True

    def __init__(
        self,
        connect: Callable[[], Capture | None],
        origin: str,
        capture: Capture,
        options: LiveOptions,
    ) -> None:
        """`capture` is open already; `connect` gives another one, None while that fails."""
        self._connect, self._origin, self._options = connect, origin, options
        self._indices = count()
        self._newest = Newest()
        self._stop = threading.Event()
        # a daemon: a read that never returns must not keep the process alive
        self._thread = threading.Thread(
            target=self._capture, args=(capture,), name="capture", daemon=True
        )
        self._thread.start()

    @property
    def dropped(self) -> int:
        return self._newest.dropped

    def __iter__(self) -> Iterator[Frame]:
        stall = self._options.stall
        while not self._stop.is_set():
            frame = self._newest.take(stall)
            yield frame or self._fault(f"no frame from {self._origin} for {stall:g} s")

    def close(self) -> None:
        """Returns within about two seconds, even while a read is blocked."""
        self._stop.set()
        self._thread.join(_JOIN)

    def __enter__(self) -> "LiveSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _capture(self, capture: Capture | None) -> None:
        """The thread: read until that fails, reconnect, for ever."""
        pause = 0.0
        with quiet_opencv():
            while capture is not None:
                delivered = self._drain(capture)
                capture.release()
                # a peer that lets itself be opened and then sends nothing is no success
                pause = self._options.first_pause if delivered else self._longer(pause)
                if not self._stop.is_set():
                    self._newest.put(self._fault(f"{self._origin} stopped sending"))
                capture = self._reconnect(pause)

    def _drain(self, capture: Capture) -> bool:
        """Whether there was at least one frame before reading failed."""
        delivered = False
        while not self._stop.is_set() and (picture := read_picture(capture)) is not None:
            self._newest.put(self._frame(picture))
            delivered = True
        return delivered

    def _reconnect(self, pause: float) -> Capture | None:
        """None only when the source was closed."""
        while not self._stop.wait(pause):
            capture = self._connect()
            if capture is not None:
                return capture
            self._newest.put(self._fault(f"{self._origin} cannot be reached"))
            pause = self._longer(pause)
        return None

    def _longer(self, pause: float) -> float:
        return min(max(2 * pause, self._options.first_pause), self._options.last_pause)

    def _frame(self, picture: Picture) -> Frame:
        fault = None if picture.image is not None else "the frame cannot be decoded"
        stamps = picture.captured_at, picture.captured_monotonic
        return self._made(*stamps, picture.image, fault)

    def _fault(self, reason: str) -> Frame:
        return self._made(time.time(), time.monotonic(), None, reason)

    def _made(
        self, captured_at: float, monotonic: float, image: Image | None, fault: str | None
    ) -> Frame:
        return Frame(next(self._indices), self._origin, captured_at, monotonic, image, fault)
