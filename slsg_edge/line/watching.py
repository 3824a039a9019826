"""The loop: frame, prediction, verdict, sinks. A frame that was not inspected is never good.

Knows nothing about where frames come from or where records go.
"""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from slsg_edge.contracts import Detector, Frame, Image, Prediction
from slsg_edge.errors import SlsgError
from slsg_edge.line.records import Inspection, Tally, WatchSummary, record_of
from slsg_edge.line.sinks.sink import ReaderGone, Sink
from slsg_edge.line.sources.source import FrameSource
from slsg_edge.runtime.pipeline import LaneDetector, Pipeline
from slsg_edge.scoring import Threshold, judge, undecided

_IN_FLIGHT = 2  # frames: one is uploaded while the other is inspected
_LONGEST = 300  # characters of a reason: some exceptions print a whole graph


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """`map_shape`: what a map must have; None takes any. `fingerprint`: that of the bundle."""

    every: int = 1
    max_frames: int | None = None
    map_shape: tuple[int, int] | None = None
    fingerprint: str = ""


def watch(
    source: FrameSource,
    detector: Detector,
    threshold: Threshold,
    sinks: Sequence[Sink] = (),
    options: WatchOptions | None = None,
) -> WatchSummary:
    """Until the source ends, `max_frames` are inspected, Ctrl-C, or nobody reads stdout.

    StorageError when a sink that may lose nothing cannot write.
    """
    options = options or WatchOptions()
    tally = Tally()
    try:
        frames, inspector = _in_flight(_chosen(source, options, tally), detector, source.live)
        for frame in frames:
            inspection = inspect(frame, inspector, threshold, options)
            tally.add(inspection.record)
            for sink in sinks:
                sink.write(inspection)
    except (KeyboardInterrupt, ReaderGone):
        pass
    return tally.summary(source.dropped)


def inspect(
    frame: Frame, detector: Detector, threshold: Threshold, options: WatchOptions
) -> Inspection:
    """One frame to its record; never raises, because a line does not stop for one frame."""
    if frame.image is None:
        verdict = undecided(_short(frame.fault or "the frame has no image"))
        return Inspection(record_of(frame, verdict, {}, options.fingerprint), frame)
    started = time.perf_counter()
    prediction, fault = _predict(detector, frame.image, options)
    detected = time.perf_counter()
    verdict = judge(prediction, threshold) if prediction else undecided(_short(fault))
    latency = {
        "detect": (detected - started) * 1000,
        "judge": (time.perf_counter() - detected) * 1000,
    }
    if verdict.outcome == "undecided":
        prediction = None
    return Inspection(record_of(frame, verdict, latency, options.fingerprint), frame, prediction)


def fault_of(prediction: Prediction, map_shape: tuple[int, int] | None) -> str | None:
    """Why a prediction cannot be trusted."""
    if not math.isfinite(prediction.image_score):
        return f"the detector gave the score {prediction.image_score}"
    shape = prediction.anomaly_map.shape
    if shape != (map_shape or shape) or len(shape) != 2:
        return f"the detector gave a map {shape}"
    if not np.isfinite(prediction.anomaly_map).all():
        return "the detector gave a map with NaN or infinity"
    return None


def _predict(
    detector: Detector, image: Image, options: WatchOptions
) -> tuple[Prediction | None, str]:
    """A prediction, or why there is none."""
    try:
        prediction = detector.detect(image)
        fault = fault_of(prediction, options.map_shape)
    except SlsgError as error:
        return None, error.what
    # The one broad except: whatever a backend throws, this frame was not inspected, and the
    # next one may be.
    except Exception as error:
        return None, f"the detector failed: {type(error).__name__}: {error}"
    return (None, fault) if fault else (prediction, "")


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
    frames: Iterator[Frame], detector: Detector, live: bool
) -> tuple[Iterable[Frame], Detector]:
    """Frames of files overlap where the detector can; one of a camera must not wait for the next.

    CudaError when the GPU has no room for another.
    """
    if live or not isinstance(detector, LaneDetector):
        return frames, detector
    detector.keep_in_flight(_IN_FLIGHT)
    pipeline = Pipeline(frames, detector)
    return pipeline, pipeline


def _short(reason: str) -> str:
    line = " ".join(reason.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
