"""Triggers of the clock: every frame, every N-th, and one each so many milliseconds.

A frame with a fault always passes: what a camera hides must not be skipped over.
"""

from collections.abc import Iterable, Iterator
from math import floor

from slsg_edge.contracts import Frame


class EveryFrame:
    """Every N-th frame; idle while the source is, as a folder that nothing drops into."""

    def __init__(self, every: int = 1) -> None:
        self._every = max(every, 1)
        self.skipped = 0
        self._closed = False
        self._source: object = None

    @property
    def idle(self) -> bool:
        return bool(getattr(self._source, "idle", False))

    def chosen(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        self._source = frames
        for number, frame in enumerate(frames):
            if self._closed:
                return
            if number % self._every and frame.fault is None:
                self.skipped += 1
            else:
                yield frame

    def close(self) -> None:
        self._closed = True


class Interval:
    """The first frame of each interval; intervals follow the clock and do not drift."""

    def __init__(self, seconds: float) -> None:
        self._seconds = max(seconds, 0.001)
        self._due: float | None = None
        self.skipped = 0
        self._closed = False
        self._source: object = None

    @property
    def idle(self) -> bool:
        return bool(getattr(self._source, "idle", False))

    def chosen(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        self._source = frames
        for frame in frames:
            if self._closed:
                return
            if frame.fault is not None or self._is_due(frame.captured_monotonic):
                yield frame
            else:
                self.skipped += 1

    def close(self) -> None:
        self._closed = True

    def _is_due(self, captured: float) -> bool:
        due = captured if self._due is None else self._due
        if captured < due:
            return False
        self._due = due + self._seconds * (floor((captured - due) / self._seconds) + 1)
        return True
