"""One detector for several cameras: what waits at the same time goes as one batch.

One thread opens, uses and closes the detector, as a GPU demands; every camera's own thread asks
and waits, but never for ever. Knows nothing about cameras.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Protocol

import numpy as np

from slsg_edge.contracts import Image, Prediction
from slsg_edge.errors import ConfigError, EngineError
from slsg_edge.preprocessing import Preprocessing, check_frame, prepare
from slsg_edge.runtime.detector import GraphDetector
from slsg_edge.runtime.frame_check import FrameCheck
from slsg_edge.runtime.prepared import require_count

_OPENING_DEADLINE = 900.0  # seconds: TensorRT-RTX compiles an engine while it opens it
_LONGEST_DEADLINE = 3600.0  # seconds
_RESTART = "Start the program again; if that does not help, run: slsg-edge doctor"


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
        """CameraError for anything but (H, W, 3) uint8; ConfigError for other counts of frames."""
        require_count(len(frames), self.largest_batch)
        for frame in frames:
            check_frame(frame)
        prepared = np.stack([prepare(frame, self._preprocessing) for frame in frames])
        maps, scores = self._detector.run(prepared)
        return [Prediction(*pair) for pair in zip(maps, scores.tolist(), strict=True)]

    def close(self) -> None:
        self._detector.close()


@dataclass(frozen=True, slots=True)
class SharingOptions:
    """How a detector is shared.

    cameras: when that many wait, no more will come.
    patience: seconds that the first frame of a batch waits for others; 0 takes along only what
        waits already.
    deadline: seconds that one call of the detector may take before it counts as hanging.
    """

    cameras: int
    patience: float = 0.0
    deadline: float = 30.0

    def __post_init__(self) -> None:
        if self.cameras < 1 or not 0 <= self.patience <= 1:
            raise ConfigError(
                f"{self.cameras} cameras and a patience of {self.patience} s cannot be.",
                fix="Give at least one camera and a patience of 0 to 1 s.",
            )
        if not 0 < self.deadline <= _LONGEST_DEADLINE:
            raise ConfigError(
                f"A deadline of {self.deadline} s for one call of the detector cannot be.",
                fix=f"Give more than 0 and at most {_LONGEST_DEADLINE:g} s, as in 30.",
            )


@dataclass(frozen=True, slots=True)
class _Request:
    frame: Image
    answer: "Future[Prediction]" = field(default_factory=Future)


class SharedDetector:
    """A `Detector` for many threads at once."""

    def __init__(
        self,
        open_detector: Callable[[], BatchDetector],
        options: SharingOptions,
        check: FrameCheck | None = None,
    ) -> None:
        """`open_detector` is called in the detector's own thread; its error is raised here.

        check: whether a frame shows what the detector was trained for; None takes any.
        EngineError when it does not return in a quarter of an hour.
        """
        self._options, self._check = options, check
        self._waiting: SimpleQueue[_Request | None] = SimpleQueue()
        self._refusal: EngineError | None = None
        self._lock = threading.Lock()
        self._call_started: float | None = None
        self._in_work: list[_Request] = []
        self._failure: BaseException | None = None
        opened: Future[str] = Future()
        self._thread = threading.Thread(
            target=self._serve, args=(open_detector, opened), name="detector", daemon=True
        )
        self._thread.start()
        self.name = self._opened(opened)

    def detect(self, frame: Image) -> Prediction:
        """Waits for its turn; what goes wrong with other cameras' frames is theirs.

        CameraError for what is no picture, FaultyFrame for one that `check` refuses. EngineError
        as soon as a call of the detector hangs, until that call returns.
        """
        if self._check is not None:
            check_frame(frame)
            self._check.require(frame)
        self._require_no_hang()
        request = _Request(frame)
        with self._lock:
            if self._refusal is not None:
                raise EngineError(self._refusal.what, fix=self._refusal.fix)
            self._waiting.put(request)
        while not wait([request.answer], timeout=self._seconds_left()).done:
            try:
                self._require_no_hang()
            except EngineError:
                request.answer.cancel()  # so that nobody works for it later
                raise
        return request.answer.result()

    def close(self) -> None:
        """Answers what waits, then closes the detector; what ended its thread is raised once.

        Where a call hangs it does not wait for it: the detector is closed when that call returns.
        """
        self._refuse(EngineError("The detector was closed.", fix="Open it again."))
        while self._thread.is_alive() and (left := self._seconds_left()) > 0:
            self._thread.join(left)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def __enter__(self) -> "SharedDetector":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self, opened: "Future[str]") -> str:
        """The name of the detector; one that opens after this has failed is closed at once."""
        try:
            if not wait([opened], timeout=_OPENING_DEADLINE).done:
                what = f"The detector did not open within {_OPENING_DEADLINE:g} s."
                raise EngineError(what, fix=_RESTART)
            return opened.result()
        except BaseException:
            self._refuse(EngineError("The detector was not opened.", fix="Open it again."))
            raise

    def _refuse(self, refusal: EngineError) -> None:
        """What comes from now on is told so, and the thread ends after what waits already."""
        with self._lock:
            if self._refusal is None:
                self._refusal = refusal
                self._waiting.put(None)

    def _seconds_left(self) -> float:
        """Until the call in work counts as hanging; 0 when it does."""
        started, deadline = self._call_started, self._options.deadline
        return deadline if started is None else max(0.0, started + deadline - time.monotonic())

    def _require_no_hang(self) -> None:
        if self._seconds_left() > 0:
            return
        raise EngineError(
            f"{self.name} hangs: one call has not returned for {self._options.deadline:g} s.",
            fix=f"{_RESTART}. A slow computer needs a longer `deadline` in SharingOptions.",
        )

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Around every call of the detector that may hang."""
        self._call_started = time.monotonic()
        try:
            yield
        finally:
            self._call_started = None

    def _serve(self, open_detector: Callable[[], BatchDetector], opened: "Future[str]") -> None:
        """The thread: whatever ends it, nobody is left waiting."""
        try:
            detector = open_detector()
            try:
                opened.set_result(detector.name)
                self._answer_all(detector)
            finally:
                with self._timed():
                    detector.close()
        # Whatever it is, it belongs to the threads that wait for this one.
        except BaseException as error:
            if opened.done():
                self._fail(error)
            else:
                opened.set_exception(error)

    def _fail(self, failure: BaseException) -> None:
        """Answers what waits, after the thread's last work, with what ended it."""
        self._failure = failure
        what = f"The detector's thread ended: {type(failure).__name__}: {failure}"
        self._refuse(EngineError(what, fix="Open the detector again."))
        with suppress(Empty):
            while self._next_request(0) is not None:
                pass
        for request in self._in_work:
            if not request.answer.done():
                request.answer.set_exception(failure)

    def _answer_all(self, detector: BatchDetector) -> None:
        """Until it is closed."""
        last = False
        while not last and self._next_request(None) is not None:
            last = self._is_last(detector.largest_batch)
            self._answer(detector, self._in_work)
            self._in_work.clear()

    def _next_request(self, timeout: float | None) -> _Request | None:
        """The next that somebody still waits for, in work from now on.

        None when it was closed; Empty when there is none within `timeout`.
        """
        while (request := self._waiting.get(timeout=timeout)) is not None:
            if request.answer.set_running_or_notify_cancel():
                self._in_work.append(request)
                return request
        return None

    def _is_last(self, largest: int) -> bool:
        """Takes what goes with the first into work; whether nothing comes after it."""
        deadline = time.monotonic() + self._options.patience
        while len(self._in_work) < min(largest, self._options.cameras):
            try:
                if self._next_request(max(0.0, deadline - time.monotonic())) is None:
                    return True
            except Empty:
                break
        return False

    def _answer(self, detector: BatchDetector, batch: Sequence[_Request]) -> None:
        """A frame that cannot be inspected does not take the others of its batch with it."""
        try:
            with self._timed():
                predictions = list(detector.detect_batch([request.frame for request in batch]))
        # Whatever it is, it belongs to the thread that waits for the answer.
        except BaseException as error:
            if len(batch) == 1:
                batch[0].answer.set_exception(error)
                return
            for request in batch:
                self._answer(detector, [request])
        else:
            self._hand_out(predictions, batch)

    def _hand_out(self, predictions: Sequence[Prediction], batch: Sequence[_Request]) -> None:
        """EngineError for each when they are not as many: nobody knows which is whose."""
        if len(predictions) == len(batch):
            for request, prediction in zip(batch, predictions, strict=True):
                request.answer.set_result(prediction)
            return
        what = f"{self.name} gave {len(predictions)} answers for {len(batch)} frames."
        for request in batch:
            error = EngineError(what, fix="Take another backend, and report this one.")
            request.answer.set_exception(error)
