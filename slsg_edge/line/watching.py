"""The loop: frame, verdict, sinks.

Knows nothing about where frames come from, how a verdict is reached or where records go.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from slsg_edge.contracts import Fault, Frame
from slsg_edge.errors import SlsgError
from slsg_edge.line.records import Inspection, Tally, WatchSummary, record_of
from slsg_edge.line.sinks.sink import Draining, ReaderGone, Sink, warn_on_stderr
from slsg_edge.line.sources.source import FrameSource, PartSource
from slsg_edge.runtime.judged import Judged
from slsg_edge.runtime.pipeline import LaneDetector, Pipeline
from slsg_edge.runtime.reasons import described, one_line
from slsg_edge.scoring import undecided

_TOLD_EVERY = 60.0  # seconds between two warnings of the same sink
_IN_FLIGHT = 2  # frames: one is uploaded while the other is inspected


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What a watch does beside inspecting every frame.

    every: inspect every N-th frame only.
    max_frames: end after so many verdicts; None goes on until the source ends.
    warn: called when a sink that may fail does, and then once a minute as long as it does.
    tally: what the verdicts are counted with; give one to read the counts meanwhile.
    """

    every: int = 1
    max_frames: int | None = None
    warn: Callable[[str], None] = warn_on_stderr
    tally: Tally | None = None


def watch(
    source: FrameSource,
    judged: Judged,
    sinks: Sequence[Sink] = (),
    options: WatchOptions | None = None,
) -> WatchSummary:
    """Until the source ends, `max_frames` are inspected, Ctrl-C, or nobody reads stdout.

    What a sink cannot write at once has been waited for at the end, as long as some of it moved.
    An essential sink that raises ends the watch with its error.
    """
    options = options or WatchOptions()
    tally = options.tally or Tally()
    outlets = [_Outlet(sink, options.warn) for sink in sinks]
    try:
        frames, judged = _in_flight(_chosen(source, options, tally), judged, source.live)
        for frame in frames:
            inspection = inspection_of(frame, judged)
            tally.add(inspection.record)
            for outlet in outlets:
                outlet.write(inspection)
            if frame.part is not None and isinstance(source, PartSource):
                source.done(frame.part)
        for outlet in outlets:
            outlet.drain()
    except (KeyboardInterrupt, ReaderGone):
        pass
    failed = {outlet.name: outlet.failures for outlet in outlets if outlet.failures}
    return replace(tally.summary(source.dropped), failed=failed)


def inspection_of(frame: Frame, judged: Judged) -> Inspection:
    """One frame to its record; a frame with a fault is undecided and not shown to the detector.

    Never raises: what cannot be judged or recorded is undecided.
    """
    try:
        return _inspected(frame, judged)
    except Exception as error:
        detail = one_line(f"the frame could not be recorded: {described(error)}")
        verdict = undecided(Fault("detector_failed", detail))
        return Inspection(record_of(frame, verdict, {}, judged.fingerprint), frame)


def _inspected(frame: Frame, judged: Judged) -> Inspection:
    if frame.image is None or frame.fault is not None:
        fault = frame.fault or Fault("no_frame", "the frame has no image")
        verdict = undecided(replace(fault, detail=one_line(fault.detail)))
        return Inspection(record_of(frame, verdict, {}, judged.fingerprint), frame)
    examined = judged.examine(frame.image)
    record = record_of(frame, examined.verdict, examined.latency_ms, judged.fingerprint)
    return Inspection(record, frame, examined.prediction)


class _Outlet:
    """A sink, and what people know already of its failures."""

    def __init__(self, sink: Sink, warn: Callable[[str], None]) -> None:
        self._sink, self._warn = sink, warn
        self.failures = 0
        self._told_at: float | None = None

    @property
    def name(self) -> str:
        return self._sink.name

    def write(self, inspection: Inspection) -> None:
        """Raises only what an essential sink raises."""
        try:
            self._sink.write(inspection)
        except Exception as error:
            if self._sink.essential:
                raise
            self.failures += 1
            self._tell(error)

    def drain(self) -> None:
        if isinstance(self._sink, Draining):
            self._sink.drain()

    def _tell(self, error: Exception) -> None:
        now = time.monotonic()
        if self._told_at is not None and now - self._told_at < _TOLD_EVERY:
            return
        self._told_at = now
        # a terminal that was closed takes no warning either, and that is no reason to end
        with suppress(Exception):
            self._warn(f"{_sentence(error)} Verdicts go on without {self.name}.")


def _sentence(error: Exception) -> str:
    text = one_line(described(error))
    return text if isinstance(error, SlsgError) else f"{text.rstrip('.')}."


def _chosen(source: FrameSource, options: WatchOptions, tally: Tally) -> Iterator[Frame]:
    """Every N-th frame, and each with a fault: what a camera hides must not be skipped over."""
    chosen = 0
    for number, frame in enumerate(source):
        if number % options.every and frame.fault is None:
            tally.skipped += 1
            continue
        yield frame
        chosen += 1
        if chosen == options.max_frames:
            return


def _in_flight(
    frames: Iterator[Frame], judged: Judged, live: bool
) -> tuple[Iterable[Frame], Judged]:
    """Frames of files overlap where the detector can; one of a camera must not wait for the next.

    CudaError when the GPU has no room for another.
    """
    detector = judged.detector
    if live or not isinstance(detector, LaneDetector):
        return frames, judged
    detector.keep_in_flight(_IN_FLIGHT)
    pipeline = Pipeline(frames, detector)
    return pipeline, replace(judged, detector=pipeline)
