"""When a picture of a stream was taken, from the stamps that the stream carries.

A picture that was held up on its way has an old stamp. The least that a picture ever took from
its stamp to here is the way without a hold-up; what another took beyond that is its age.
"""

from collections import deque
from statistics import median

DRIFT = 2e-4  # how much faster than a camera's clock ours may go: more than clocks of quartz do
_KEPT = 25  # intervals that the usual one is the median of
_HURRIED = 0.5  # of the usual interval: a picture that comes sooner had been waiting
_PAUSE = 3.0  # usual intervals: after a longer pause what comes may be as old as the pause


class StreamClock:
    """Turns stamps of a stream into our monotonic clock."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._told_at = 0.0

    def taken_at(self, stamp: float, arrived: float) -> float:
        """When the picture with this stamp was taken, at most when it arrived."""
        offset = arrived - stamp
        if self._offset is not None:
            leeway = DRIFT * max(arrived - self._told_at, 0)
            offset = min(offset, self._offset + leeway)
        self._offset, self._told_at = offset, arrived
        return stamp + offset


class ArrivalClock:
    """For streams without stamps: after a pause, pictures that hurry had been waiting.

    So a picture after a pause is taken to be as old as the pause, and what follows faster than
    usual makes up for it, until pictures come at their usual pace.
    """

    def __init__(self) -> None:
        self._intervals: deque[float] = deque(maxlen=_KEPT)
        self._arrived: float | None = None
        self._behind = 0.0

    def taken_at(self, arrived: float) -> float:
        if self._arrived is not None:
            self._observe(arrived - self._arrived)
        self._arrived = arrived
        return arrived - self._behind

    def _observe(self, interval: float) -> None:
        usual = median(self._intervals) if self._intervals else interval
        if len(self._intervals) >= 3 and interval > _PAUSE * usual:
            self._behind = interval
        elif self._behind and interval < _HURRIED * usual:
            self._behind = max(self._behind - (usual - interval), 0.0)
        else:
            self._behind = 0.0
            self._intervals.append(interval)
