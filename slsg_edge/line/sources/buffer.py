"""What waits between the thread that captures and the one that takes frames."""

import threading
from collections import deque
from dataclasses import dataclass, replace

from slsg_edge.contracts import Frame

MOST_FAULTS = 16  # that wait to be taken; later ones are counted at the last of them


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
        self._closed = False

    def put(self, frame: Frame) -> None:
        with self._changed:
            if frame.fault is None:
                self._put_image(frame)
            else:
                self._put_fault(frame)
            self._changed.notify_all()

    def take(self, timeout: float) -> Frame | None:
        """The oldest that waits; None when nothing came in time, or it was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout)
            return self._waiting.popleft().counted() if self._waiting else None

    def close(self) -> None:
        """Nobody waits any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

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
