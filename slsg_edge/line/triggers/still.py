"""Chooses one frame of each part that comes, stands still and goes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Frame, Image
from slsg_edge.line.triggers.ahead import Ahead
from slsg_edge.line.triggers.motion import change, tiles_of

_FILM_STEP = 0.04  # seconds between two frames of a film, which come as fast as they are read
_MOVED = 2  # pictures that differ from a part that was chosen, until another may be
_LOST = 1.0  # seconds of faults after which nobody knows whether the part was changed


@dataclass(slots=True)
class _Standing:
    """A picture that others are compared with: since when it stands, and whether it was chosen.

    moved: pictures in a row that differ from it.
    """

    tiles: NDArray[np.float32]
    since: float
    chosen: bool = False
    moved: int = 0

    def differs(self, tiles: NDArray[np.float32], least: float) -> bool:
        """Whether it no longer stands; one odd picture does not make another part of this one."""
        self.moved = self.moved + 1 if change(self.tiles, tiles) >= least else 0
        return self.moved >= (_MOVED if self.chosen else 1)


class Still:
    """A frame is chosen when the picture has not changed for `seconds`, once until it moves.

    least: the change of grey levels, where it is largest, below which nothing moves. empty: the
    place without a part, which is never chosen; without it every standing picture is a part.
    A frame with a fault passes, since nobody knows what stood there.
    """

    def __init__(self, seconds: float, least: float, empty: Image | None = None) -> None:
        self._seconds, self._least = seconds, least
        self._empty = None if empty is None else tiles_of(empty)
        self._standing: _Standing | None = None
        self._film: int | None = None  # frames so far, where it is no camera
        self._lost_at: float | None = None
        self._ahead = Ahead(self._passes)
        self._skipped = 0
        self._closed = False
        self.idle = True

    @property
    def skipped(self) -> int:
        return self._skipped + self._ahead.dropped

    def chosen(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        live = getattr(frames, "live", True)
        self._film = None if live else 0
        for frame in self._ahead.frames(frames) if live else filter(self._passes, frames):
            if self._closed:
                return
            self.idle = False
            yield frame
            self.idle = True

    def close(self) -> None:
        self._ahead.close()
        self._closed = True

    def _passes(self, frame: Frame) -> bool:
        at = self._time_of(frame)
        if frame.fault is not None or frame.image is None:
            self._lost_at = at if self._lost_at is None else self._lost_at
            return True
        if self._is_due(tiles_of(frame.image), at):
            return True
        self._skipped += 1
        return False

    def _time_of(self, frame: Frame) -> float:
        if self._film is None:
            return frame.captured_monotonic
        self._film += 1
        return self._film * _FILM_STEP

    def _is_due(self, tiles: NDArray[np.float32], at: float) -> bool:
        standing = self._standing_until(at)
        if standing is None or standing.differs(tiles, self._least):
            self._standing = _Standing(tiles, at)
            return False
        if standing.chosen or at - standing.since < self._seconds or self._is_empty(tiles):
            return False
        standing.chosen = True
        return True

    def _standing_until(self, at: float) -> _Standing | None:
        """What stood there before, as far as the camera saw it all the time."""
        lost_at, self._lost_at = self._lost_at, None
        return self._standing if lost_at is None or at - lost_at <= _LOST else None

    def _is_empty(self, tiles: NDArray[np.float32]) -> bool:
        return self._empty is not None and change(self._empty, tiles) < self._least
