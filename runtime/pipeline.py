"""Frames of a file in flight: the next one is uploaded while the GPU works on this one.

Stands between a source and whoever inspects: give it for both. `watch` leaves it out for live
cameras, since a frame that waits for the next one is late. Knows nothing about files; decoding
ahead is the part of `line.sources.files`. ONNX Runtime needs none of it: there is no upload, and
its threads have the cores.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Protocol, runtime_checkable

from slsg_edge.contracts import AnomalyMap, Detector, Frame, Image, Prediction
from slsg_edge.errors import CameraError


@runtime_checkable
class LaneDetector(Detector, Protocol):
    """A detector with frames in flight, each in a lane of its own."""

    @property
    def lanes(self) -> int: ...

    def keep_in_flight(self, frames: int) -> None:
        """At least so many lanes from now on."""

    def submit(self, frame: Image, lane: int) -> None: ...

    def finish(self, lane: int) -> float: ...

    def map_of(self, lane: int) -> AnomalyMap: ...


class Pipeline:
    """A source whose frames are on their way already, and the `Detector` that has them.

    `detect` is for the image of the frame that the iterator gave last. Whatever goes wrong with
    an image, when it is submitted or later, is raised there and for that frame alone. What goes
    wrong with the source is raised once the frames before it were given.
    """

    def __init__(self, source: Iterable[Frame], detector: LaneDetector) -> None:
        self._source, self._detector = source, detector
        self._current: _Flight | None = None

    @property
    def name(self) -> str:
        return self._detector.name

    def __iter__(self) -> Iterator[Frame]:
        lanes = count()
        flying: deque[_Flight] = deque()
        failures: list[Exception] = []
        for frame in _until_failure(self._source, failures):
            flying.append(self._submitted(frame, next(lanes) % self._detector.lanes))
            if len(flying) == self._detector.lanes:
                yield self._landed(flying)
        while flying:
            yield self._landed(flying)
        if failures:
            raise failures[0]

    def detect(self, frame: Image) -> Prediction:
        """CameraError for any other image than that of the frame given last."""
        flight = self._current
        if flight is None or flight.frame.image is not frame:
            raise CameraError(
                "The frame is not the one that is in flight.", fix="Inspect the frames in order."
            )
        if flight.error is not None:
            raise flight.error
        score = self._detector.finish(flight.lane)
        return Prediction(self._detector.map_of(flight.lane), score)

    def close(self) -> None:
        """The detector; the source belongs to whoever opened it."""
        self._detector.close()

    def _submitted(self, frame: Frame, lane: int) -> "_Flight":
        if frame.image is None:
            return _Flight(frame, lane, None)
        try:
            self._detector.submit(frame.image, lane)
        # Whatever it is, it belongs to this frame, whose turn comes when it is asked for.
        except Exception as error:
            return _Flight(frame, lane, error)
        return _Flight(frame, lane, None)

    def _landed(self, flying: "deque[_Flight]") -> Frame:
        self._current = flying.popleft()
        return self._current.frame


class _Flight:
    """A frame in its lane.

    error: what was wrong when it was submitted; None where nothing was.
    """

    def __init__(self, frame: Frame, lane: int, error: Exception | None) -> None:
        self.frame, self.lane, self.error = frame, lane, error


def _until_failure(frames: Iterable[Frame], failures: list[Exception]) -> Iterator[Frame]:
    """The frames until there are no more; `failures` then has why, if the source failed."""
    try:
        yield from frames
    except Exception as error:
        failures.append(error)
