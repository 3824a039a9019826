"""Captures a camera or a stream for ever: connects, reads, and connects again when it is lost.

Where the pictures go, and in what process this runs, is for whoever calls it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from slsg_edge.contracts import Fault, Reason
from slsg_edge.line.sources.captures import CannotOpen, Capture, Deadlines, Picture
from slsg_edge.line.sources.frozen import Repeats
from slsg_edge.line.sources.redaction import redacted
from slsg_edge.runtime.reasons import described

_WAITED = 0.005  # seconds: a picture that was there at once had been waiting
_BACKLOG = 2.0  # seconds after connecting in which what had been waiting is thrown away
_LATE = 5.0  # seconds for which every picture may be too old before it is connected anew
_REFUSED_PAUSE = 5.0  # seconds: a camera that refuses a password may lock the account


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """Seconds. Without a new frame for `stall` there is one with a fault.

    Reconnecting waits `first_pause`, then twice as long each time, at most `last_pause`. A frame
    older than `oldest` is stale. The same picture for the `frozen_after`-th time is frozen; 0
    allows it. A URL that gives one picture for each request is asked once in `every`.
    """

    stall: float = 1.8
    first_pause: float = 0.1
    last_pause: float = 0.5
    deadlines: Deadlines = field(default_factory=Deadlines)
    oldest: float = 1.0
    frozen_after: int = 5
    every: float = 0.2

    @property
    def slack(self) -> float:
        """What a source that is asked seldom takes longer than another."""
        return max(self.every - 0.2, 0.0)


class Outlet(Protocol):
    """Told of everything that happens, in turn."""

    def opening(self) -> None: ...

    def opened(self, frame_count: int, codec: str) -> None: ...

    def wrong(self, why: str) -> None:
        """The address itself is wrong."""

    def picture(self, picture: Picture) -> None:
        """A picture, or one with a fault."""

    def skipped(self) -> None:
        """A picture that had been waiting when the connection was made."""

    def fault(self, reason: Reason, detail: str) -> None: ...


class Capturing:
    def __init__(
        self, connect: Callable[[], Capture], origin: str, options: LiveOptions, outlet: Outlet
    ) -> None:
        """`connect` gives a capture or CannotOpen."""
        self._connect, self._origin, self._options = connect, origin, options
        self._outlet = outlet
        self._delivered = False  # whether the connection gave a frame yet

    def run(
        self, stopped: Callable[[], bool], pause: Callable[[float], object] = time.sleep
    ) -> None:
        """Until `stopped`; whatever a driver raises, it is tried again."""
        waited = 0.0
        while not stopped():
            self._delivered = False
            least = 0.0
            try:
                self._use_connection(stopped)
            except CannotOpen as error:
                least = self._refused(error)
            # Nobody would ever start this again, so it outlives whatever is raised in it.
            except BaseException as error:
                text = f"{self._origin} failed: {redacted(described(error))}"
                self._outlet.fault("no_frame", text)
            # a peer that lets itself be opened and then sends nothing is no success
            waited = self._options.first_pause if self._delivered else self._longer(waited)
            pause(max(waited, least))

    def _refused(self, error: CannotOpen) -> float:
        """The pause that it takes at least."""
        text = f"{self._origin} cannot be reached: {redacted(error.why)}"
        if error.wrong:
            self._outlet.wrong(redacted(error.why))
        self._outlet.fault("no_frame", text)
        return _REFUSED_PAUSE if error.refused else 0.0

    def _use_connection(self, stopped: Callable[[], bool]) -> None:
        """One connection until it is lost."""
        self._outlet.opening()
        capture = self._connect()
        try:
            self._outlet.opened(capture.frame_count, capture.codec)
            why = self._drain(capture, stopped)
        finally:
            capture.close()
        if not stopped():
            self._outlet.fault("no_frame", f"{self._origin} {why}")

    def _drain(self, capture: Capture, stopped: Callable[[], bool]) -> str:
        """Every picture until there is none; why it ended."""
        opened = fresh = time.monotonic()
        repeats = Repeats(self._options.frozen_after)
        waiting = True
        while not stopped() and (picture := capture.read()) is not None:
            now = time.monotonic()
            waiting = waiting and picture.waited < _WAITED and now - opened < _BACKLOG
            self._delivered = True
            if waiting:
                self._outlet.skipped()
                continue
            self._outlet.picture(_checked(picture, repeats))
            if now - picture.captured_monotonic <= self._options.oldest:
                fresh = now
            elif now - fresh > _LATE:
                return "sends pictures that are too old; it is connected anew"
        return "stopped sending"

    def _longer(self, pause: float) -> float:
        return min(max(2 * pause, self._options.first_pause), self._options.last_pause)


def _checked(picture: Picture, repeats: Repeats) -> Picture:
    if picture.image is None or picture.fault is not None:
        return picture
    if not repeats.frozen(picture.image, whole=picture.whole, coded=picture.coded):
        return picture
    return replace(picture, image=None, fault=Fault("frozen", "the same picture again and again"))
