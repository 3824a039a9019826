"""A detector with the threshold that judges its scores, and the one rule for its verdicts.

Whatever the detector or the camera does, a frame that was not really inspected is `undecided`.

Which threshold judges the scores of a backend: FP32 backends share the reference's. Quantised
scores move, so INT8 needs a threshold of its own. What lies between, an engine in FP16, may share
the reference's as long as the golden frames show on this very machine that its scores did not
move.
"""

import functools
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.region import fingerprint_of
from slsg_edge.bundle.thresholds import judging_threshold_name, threshold_of
from slsg_edge.contracts import Detector, Fault, Image, Prediction, Verdict
from slsg_edge.errors import SlsgError
from slsg_edge.preprocessing import check_frame
from slsg_edge.runtime.batching import SharingOptions
from slsg_edge.runtime.detector import BackendChoice, GraphDetector, choose, open_choice
from slsg_edge.runtime.frame_check import FaultyFrame, FrameCheck, frame_check_of
from slsg_edge.runtime.golden_check import (
    golden_run,
    open_trusted,
    require_unmoved,
    shares_reference,
)
from slsg_edge.runtime.reasons import described, one_line
from slsg_edge.runtime.sharing import share_choice
from slsg_edge.scoring import Threshold, judge, undecided


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything that is known of one inspected image.

    verdict: what becomes of the part.
    prediction: what the detector said; None when the verdict is `undecided`.
    latency_ms: milliseconds of `detect` and of `judge`.
    """

    verdict: Verdict
    prediction: Prediction | None
    latency_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Judged:
    """A detector that is ready for its first frame, and what its answers are judged by.

    detector: any `Detector`; `close` closes it.
    threshold: scores above it are anomalous.
    map_shape: height and width that an anomaly map must have; None takes any.
    choice: which backend it is and why; None where the detector was made by hand.
    fingerprint: which bundle it is, for records; empty where it is none.
    check: whether a frame shows what the detector was trained for; None takes any.

    A context manager that closes the detector.
    """

    detector: Detector
    threshold: Threshold
    map_shape: tuple[int, int] | None = None
    choice: BackendChoice | None = None
    fingerprint: str = ""
    check: FrameCheck | None = None

    def __enter__(self) -> "Judged":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def inspect(self, image: Image) -> Verdict:
        """The verdict on one image.

        `good` or `anomalous` only when the image is (H, W, 3) uint8, shows what `check` asks for,
        and the detector gave a score between 0 and 1 with a finite map of the right shape.
        Everything else, whatever was raised included, is `undecided` with a reason. Only what
        ends the program passes, as KeyboardInterrupt does.
        """
        return self.examine(image).verdict

    def examine(self, image: Image) -> Examination:
        """As `inspect`, with what the detector said and how long it took."""
        started = time.perf_counter()
        try:
            check_frame(image)
            if self.check is not None:
                self.check.require(image)
            prediction = self.detector.detect(image)
        except FaultyFrame as refused:  # here, or by a detector that checks frames itself
            verdict = undecided(refused.fault)
            return Examination(verdict, None, _latency(started, time.perf_counter()))
        except Exception as error:  # whatever a backend throws, the next frame may be inspected
            verdict = _undecided("the detector failed", error)
            return Examination(verdict, None, _latency(started, time.perf_counter()))
        detected = time.perf_counter()
        verdict, trusted = self._judge(prediction)
        return Examination(verdict, trusted, _latency(started, detected, time.perf_counter()))

    def close(self) -> None:
        self.detector.close()

    def _judge(self, prediction: Prediction) -> tuple[Verdict, Prediction | None]:
        """The verdict, and the prediction where it can be trusted; never raises."""
        try:
            fault = fault_of(prediction, self.map_shape)
            if fault is not None:
                return undecided(Fault("detector_failed", one_line(fault))), None
            # a NumPy number would pass every check here and fail in the JSON of a record
            trusted = Prediction(prediction.anomaly_map, float(prediction.image_score))
            return judge(trusted, self.threshold), trusted
        except Exception as error:  # a detector made by hand may give anything
            return _undecided("the detector's answer cannot be judged", error), None


def fault_of(prediction: Prediction, map_shape: tuple[int, int] | None) -> str | None:
    """Why a prediction cannot be trusted; None when it can."""
    score, anomaly_map = prediction.image_score, prediction.anomaly_map
    if not 0 <= score <= 1:  # NaN is not either
        return f"the detector gave the score {score}"
    shape = anomaly_map.shape
    if shape != (map_shape or shape) or len(shape) != 2 or not anomaly_map.size:
        return f"the detector gave a map {shape}"
    if not np.isfinite(anomaly_map).all():
        return "the detector gave a map with NaN or infinity"
    return None


def map_shape_of(bundle: Bundle) -> tuple[int, int]:
    """Height and width of the anomaly maps of a bundle's model."""
    preprocessing = bundle.manifest.preprocessing
    return preprocessing.height, preprocessing.width


def open_judged(
    bundle: Bundle,
    backend: str | None = None,
    threads: int | None = None,
    *,
    any_size: bool = False,
    cameras: int = 1,
) -> Judged:
    """The bundle's detector with its threshold, on the best backend or on the one asked for.

    any_size: frames of another size than that of the training are scaled, not undecided.
    cameras: the threads of so many may inspect at once, and share one detector.
    Its golden frames have passed it then. BundleError when there is no threshold that the scores
    may be judged by, or the model does not answer in time; UntrustedBundle when it gives other
    answers than the trained network.
    """
    choice = choose(bundle, backend)
    threshold = _stored_threshold(bundle, choice)
    check = frame_check_of(bundle, any_size=any_size)
    ready = functools.partial(
        Judged,
        threshold=threshold,
        map_shape=map_shape_of(bundle),
        choice=choice,
        fingerprint=fingerprint_of(bundle),
    )
    if cameras == 1:
        opening = functools.partial(open_choice, bundle, choice, threads)
        return ready(open_trusted(bundle, choice, opening, threshold), check=check)
    options = SharingOptions(cameras)  # the shared detector checks, in the thread of each camera
    return ready(share_choice(bundle, choice, options, threads, judging=threshold, check=check))


def threshold_for(bundle: Bundle, choice: BackendChoice, detector: GraphDetector) -> Threshold:
    """BundleError when there is none, StaleBundle when it was found on another model."""
    threshold = _stored_threshold(bundle, choice)
    if shares_reference(bundle, choice):
        require_unmoved(bundle, choice, golden_run(bundle, detector), threshold)
    return threshold


def _stored_threshold(bundle: Bundle, choice: BackendChoice) -> Threshold:
    return threshold_of(bundle, judging_threshold_name(bundle, choice.backend))


def _undecided(what: str, error: Exception) -> Verdict:
    """An error of ours says enough by itself."""
    text = described(error)
    detail = one_line(text if isinstance(error, SlsgError) else f"{what}: {text}")
    return undecided(Fault("detector_failed", detail))


def _latency(started: float, detected: float, judged: float | None = None) -> dict[str, float]:
    judged = detected if judged is None else judged
    return {"detect": (detected - started) * 1000, "judge": (judged - detected) * 1000}
