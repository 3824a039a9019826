"""Looks at frames in a thread of its own, so that none goes unseen while another is inspected."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from slsg_edge.contracts import Frame

_MOST = 8  # chosen frames that wait to be inspected
_LOOK = 0.5  # seconds between two looks at whether it was closed


class Ahead:
    """Yields the frames that `passes` says true of. dropped: chosen ones that nobody took."""

    def __init__(self, passes: Callable[[Frame], bool]) -> None:
        self._passes = passes
        self.dropped = 0
        self._waiting: deque[Frame] = deque()
        self._ended: BaseException | bool = False
        self._changed = threading.Condition()

    def frames(self, source: Iterable[Frame]) -> Iterator[Frame]:
        look = threading.Thread(target=self._look, args=(source,), name="trigger", daemon=True)
        look.start()
        while (frame := self._next()) is not None:
            yield frame

    def close(self) -> None:
        with self._changed:
            self._ended = self._ended or True
            self._waiting.clear()
            self._changed.notify_all()

    def _next(self) -> Frame | None:
        with self._changed:
            while not self._waiting and not self._ended:
                self._changed.wait(_LOOK)
            if not self._waiting and isinstance(self._ended, BaseException):
                raise self._ended
            return self._waiting.popleft() if self._waiting else None

    def _look(self, source: Iterable[Frame]) -> None:
        ended: BaseException | bool = True
        try:
            for frame in source:
                if self._ended:
                    return
                if self._passes(frame):
                    self._put(frame)
        except BaseException as error:  # whoever takes frames hears of it
            ended = error
        with self._changed:
            self._ended = self._ended or ended
            self._changed.notify_all()

    def _put(self, frame: Frame) -> None:
        with self._changed:
            repeated = self._waiting and self._waiting[-1].fault == frame.fault
            if frame.fault is not None and repeated:
                self._waiting.pop()  # the same once more says nothing new
            elif len(self._waiting) == _MOST:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append(frame)
            self._changed.notify_all()
