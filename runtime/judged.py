"""Which threshold the scores of a backend may be judged by, and a detector with its threshold.

FP32 backends share the reference's. Quantised scores move, so INT8 needs a threshold of its own.
What lies between, an engine in FP16, may share the reference's as long as the golden frames show
on this very machine that its scores did not move.
"""

from contextlib import ExitStack, closing
from dataclasses import dataclass

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.golden import GOLDEN_FILE, difference, golden_from_file
from slsg_edge.bundle.thresholds import calibration_command, threshold_of
from slsg_edge.errors import BundleError
from slsg_edge.runtime.detector import Choice, GraphDetector, choose, open_choice
from slsg_edge.scoring import Threshold

# Below what the least of the images can settle: the interval of a threshold from 30 good images
# is wider by an order.
MOVED = 1e-2


@dataclass(frozen=True, slots=True)
class Judged:
    """A detector ready for its first frame; `close` is the detector's."""

    detector: GraphDetector
    threshold: Threshold
    choice: Choice

    def close(self) -> None:
        self.detector.close()


def open_judged(bundle: Bundle, backend: str | None = None, threads: int | None = None) -> Judged:
    """BundleError when there is no threshold that the scores may be judged by."""
    choice = choose(bundle, backend)
    with ExitStack() as stack:
        detector = stack.enter_context(closing(open_choice(bundle, choice, threads)))
        threshold = threshold_for(bundle, choice, detector)
        stack.pop_all()
    return Judged(detector, threshold, choice)


def threshold_for(bundle: Bundle, choice: Choice, detector: GraphDetector) -> Threshold:
    """BundleError when there is none, StaleBundle when it was found on another model."""
    if choice.precision == "fp32":
        return threshold_of(bundle)
    if choice.precision == "int8" or choice.backend in bundle.manifest.thresholds:
        return threshold_of(bundle, choice.backend)
    threshold = threshold_of(bundle)
    _require_unmoved(bundle, choice, detector, threshold)
    return threshold


def _require_unmoved(
    bundle: Bundle, choice: Choice, detector: GraphDetector, threshold: Threshold
) -> None:
    golden = golden_from_file(bundle.file(GOLDEN_FILE))
    off = difference(golden, *detector.run(golden.frames), threshold.value)
    if off.score > MOVED or off.verdicts:
        raise BundleError(
            f"{bundle.path}: on its golden frames the scores of {choice.backend} moved by "
            f"{off.score:.1e}, {off.verdicts} verdicts changed.",
            fix=f"Run: {calibration_command(bundle, choice.backend)}",
        )
