"""The loop: frame, verdict, sinks.

Knows nothing about where frames come from, how a verdict is reached or where records go.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from slsg_edge.contracts import Fault, Frame
from slsg_edge.errors import SlsgError
from slsg_edge.line.records import Inspection, Tally, WatchSummary, record_of
from slsg_edge.line.sinks.sink import ReaderGone, Sink
from slsg_edge.line.sources.source import FrameSource
from slsg_edge.runtime.judged import Judged
from slsg_edge.runtime.pipeline import LaneDetector, Pipeline
from slsg_edge.runtime.reasons import described, one_line
from slsg_edge.scoring import undecided

_IN_FLIGHT = 2  # frames: one is uploaded while the other is inspected


def warn_on_stderr(text: str) -> None:
    """A line for people, on stderr."""
    print(text, file=sys.stderr)


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What a watch does beside inspecting every frame.

    every: inspect every N-th frame only.
    max_frames: end after so many verdicts; None goes on until the source ends.
    warn: called once for each sink that fails and may.
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

    An essential sink that fails ends the watch with its error, StorageError on a full disk.
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
    except (KeyboardInterrupt, ReaderGone):
        pass
    return tally.summary(source.dropped)


def inspection_of(frame: Frame, judged: Judged) -> Inspection:
    """One frame to its record; a frame with a fault is undecided and not shown to the detector."""
    if frame.image is None or frame.fault is not None:
        fault = frame.fault or Fault("no_frame", "the frame has no image")
        verdict = undecided(replace(fault, detail=one_line(fault.detail)))
        return Inspection(record_of(frame, verdict, {}, judged.fingerprint), frame)
    examined = judged.examine(frame.image)
    record = record_of(frame, examined.verdict, examined.latency_ms, judged.fingerprint)
    return Inspection(record, frame, examined.prediction)


class _Outlet:
    """A sink, and whether people know already that it fails."""

    def __init__(self, sink: Sink, warn: Callable[[str], None]) -> None:
        self._sink, self._warn, self._warned = sink, warn, False

    def write(self, inspection: Inspection) -> None:
        """Raises only what an essential sink raises."""
        try:
            self._sink.write(inspection)
        except Exception as error:
            if self._sink.essential:
                raise
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        if self._warned:
            return
        self._warned = True
        # a terminal that was closed takes no warning either, and that is no reason to end
        with suppress(Exception):
            self._warn(f"{_sentence(error)} Verdicts go on without {self._sink.name}.")


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
