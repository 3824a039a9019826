"""One detector for several cameras: what waits at the same time goes as one batch.

One thread opens, uses and closes the detector, as a GPU demands; every camera's own thread asks
and waits. Knows nothing about cameras.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Protocol

import numpy as np

from slsg_edge.contracts import Image, Prediction
from slsg_edge.errors import ConfigError, EngineError, SlsgError
from slsg_edge.preprocessing import Preprocessing, prepare
from slsg_edge.runtime.detector import GraphDetector

_CLOSED = "The detector was closed."


class BatchDetector(Protocol):
    """Several frames of any sizes as one piece of work."""

    @property
    def name(self) -> str: ...

    @property
    def largest_batch(self) -> int: ...

    def detect_batch(self, frames: Sequence[Image]) -> Sequence[Prediction]: ...

    def close(self) -> None: ...


class PreparedBatches:
    """Any `GraphDetector` as a `BatchDetector`: frames are prepared here, then run as one."""

    def __init__(
        self, detector: GraphDetector, preprocessing: Preprocessing, largest_batch: int
    ) -> None:
        self._detector, self._preprocessing = detector, preprocessing
        self.largest_batch = largest_batch

    @property
    def name(self) -> str:
        return self._detector.name

    def detect_batch(self, frames: Sequence[Image]) -> list[Prediction]:
        prepared = np.stack([prepare(frame, self._preprocessing) for frame in frames])
        maps, scores = self._detector.run(prepared)
        return [Prediction(*pair) for pair in zip(maps, scores.tolist(), strict=True)]

    def close(self) -> None:
        self._detector.close()


@dataclass(frozen=True, slots=True)
class SharingOptions:
    """`cameras`: when that many wait, no more will come. `patience`: seconds that the first frame
    of a batch waits for others; 0 takes along only what waits already.
    """

    cameras: int
    patience: float = 0.0

    def __post_init__(self) -> None:
        if self.cameras < 1 or not 0 <= self.patience <= 1:
            raise ConfigError(
                f"{self.cameras} cameras and a patience of {self.patience} s cannot be.",
                fix="Give at least one camera and a patience of 0 to 1 s.",
            )


@dataclass(frozen=True, slots=True)
class _Request:
    frame: Image
    answer: "Future[Prediction]" = field(default_factory=Future)


class SharedDetector:
    """A `Detector` for many threads at once."""

    def __init__(self, open_one: Callable[[], BatchDetector], options: SharingOptions) -> None:
        """`open_one` is called in the detector's own thread; its error is raised here."""
        self._options = options
        self._waiting: SimpleQueue[_Request | None] = SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        opened: Future[str] = Future()
        self._thread = threading.Thread(
            target=self._serve, args=(open_one, opened), name="detector", daemon=True
        )
        self._thread.start()
        self.name = opened.result()

    def detect(self, frame: Image) -> Prediction:
        """Waits for its turn; what goes wrong with other cameras' frames is theirs."""
        request = _Request(frame)
        with self._lock:
            if self._closed:
                raise EngineError(_CLOSED, fix="Open it again.")
            self._waiting.put(request)
        return request.answer.result()

    def close(self) -> None:
        """Answers what waits, then closes the detector."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        self._thread.join()

    def __enter__(self) -> "SharedDetector":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self, open_one: Callable[[], BatchDetector], opened: "Future[str]") -> None:
        """The thread."""
        try:
            detector = open_one()
        except BaseException as error:
            opened.set_exception(error)
            return
        opened.set_result(detector.name)
        try:
            while (first := self._waiting.get()) is not None:
                batch, last = self._batch(first, detector.largest_batch)
                _answer(detector, batch)
                if last:
                    return
        finally:
            detector.close()

    def _batch(self, first: _Request, largest: int) -> tuple[list[_Request], bool]:
        """What goes with `first`, and whether nothing comes after it."""
        batch = [first]
        deadline = time.monotonic() + self._options.patience
        while len(batch) < min(largest, self._options.cameras):
            try:
                request = self._waiting.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                break
            if request is None:
                return batch, True
            batch.append(request)
        return batch, False


def _answer(detector: BatchDetector, batch: list[_Request]) -> None:
    """A frame that cannot be inspected does not take the others of its batch with it."""
    try:
        predictions = detector.detect_batch([request.frame for request in batch])
    except SlsgError as error:
        if len(batch) == 1:
            batch[0].answer.set_exception(error)
            return
        for request in batch:
            _answer(detector, [request])
    # Whatever it is, it belongs to the thread that waits for the answer.
    except Exception as error:
        for request in batch:
            request.answer.set_exception(error)
    else:
        for request, prediction in zip(batch, predictions, strict=True):
            request.answer.set_result(prediction)
