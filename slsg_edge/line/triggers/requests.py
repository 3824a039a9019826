"""Requests for verdicts, as a PLC or an MES makes them, and the frames that answer them."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from slsg_edge.contracts import Frame

MOST = 16  # requests that wait; whoever asks more often does not get more verdicts


@dataclass(slots=True)
class _Request:
    asked: float
    frame: Frame | None = None


class Requests:
    """Filled by whoever asks, in any thread; answered in turn, each by one frame.

    refused: requests that came while MOST others waited. Nobody answers those.
    """

    def __init__(self) -> None:
        self.refused = 0
        self._waiting: deque[_Request] = deque()
        self._given: deque[float] = deque(maxlen=MOST)  # capture times of frames that answered
        self._changed = threading.Condition()

    @property
    def idle(self) -> bool:
        """Whether nobody waits for a frame."""
        return not self._waiting

    @property
    def open(self) -> bool:
        """Whether a request has no verdict yet, as far as `settle` was told."""
        with self._changed:
            return bool(self._waiting or self._given)

    def ask(self, at: float) -> bool:
        """One verdict on what is captured after `at`, in seconds of the monotonic clock."""
        with self._changed:
            if len(self._waiting) >= MOST:
                self.refused += 1
                return False
            self._waiting.append(_Request(at))
            self._changed.notify_all()
            return True

    def wait(self, timeout: float) -> bool:
        """Until a request has no frame yet; False when none came in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._unanswered() is not None, timeout)

    def offer(self, frame: Frame) -> bool:
        """Whether the frame answers a request: the oldest without one, made before its capture."""
        with self._changed:
            request = self._unanswered()
            if request is None or request.asked >= frame.captured_monotonic:
                return False
            request.frame = frame
            self._changed.notify_all()
            return True

    def answer(
        self, patience: float, timeout: float, missing: Callable[[float], Frame]
    ) -> Frame | None:
        """The frame of the next request in turn; `missing` makes it where none came in time.

        None when no request is answered, or has waited for `patience`, within `timeout`.
        """
        ends = time.monotonic() + timeout
        with self._changed:
            while (now := time.monotonic()) < ends or self._is_due(now, patience):
                if self._is_due(now, patience):
                    return self._given_to(self._waiting.popleft(), missing)
                until = self._waiting[0].asked + patience if self._waiting else ends
                self._changed.wait(min(ends, until) - now)
        return None

    def settle(self, captured: float) -> bool:
        """Whether a verdict on the frame captured then was asked for; it and earlier ones are."""
        with self._changed:
            if captured not in self._given:
                return False
            while self._given.popleft() != captured:
                pass
            return True

    def _is_due(self, now: float, patience: float) -> bool:
        """Whether the next request in turn has its frame, or has waited long enough."""
        first = self._waiting[0] if self._waiting else None
        return first is not None and (first.frame is not None or now - first.asked >= patience)

    def _given_to(self, request: _Request, missing: Callable[[float], Frame]) -> Frame:
        frame = request.frame or missing(request.asked)
        self._given.append(round(frame.captured_monotonic, 6))
        return frame

    def _unanswered(self) -> _Request | None:
        return next((one for one in self._waiting if one.frame is None), None)
