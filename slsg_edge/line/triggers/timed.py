"""Triggers of the clock: every frame, every N-th, and one each so many milliseconds.

A frame with a fault always passes: what a camera hides must not be skipped over.
"""

from collections.abc import Callable, Iterable, Iterator
from math import floor

from slsg_edge.contracts import Frame


class Picked:
    """The frames that `picks` picks by number and frame; idle while the source is, as a folder
    that nothing drops into.
    """

    def __init__(self, picks: Callable[[int, Frame], bool]) -> None:
        self._picks = picks
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
            if frame.fault is not None or self._picks(number, frame):
                yield frame
            else:
                self.skipped += 1

    def close(self) -> None:
        self._closed = True


def every_frame(every: int = 1) -> Picked:
    """Every N-th frame."""
    return Picked(lambda number, _: number % max(every, 1) == 0)


def interval(seconds: float) -> Picked:
    """The first frame of each interval; intervals follow the clock and do not drift."""
    return Picked(_Due(max(seconds, 0.001)))


class _Due:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: float | None = None

    def __call__(self, _: int, frame: Frame) -> bool:
        captured = frame.captured_monotonic
        due = captured if self._due is None else self._due
        if captured < due:
            return False
        self._due = due + self._seconds * (floor((captured - due) / self._seconds) + 1)
        return True
