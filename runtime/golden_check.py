"""The golden frames through a detector before its first verdict.

What the manifest vouches for may still be another network, or run otherwise on this machine. The
first frames also warm everything up.
"""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TypeVar

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.golden import Golden, best_case_threshold, difference, golden_from
from slsg_edge.bundle.plan import GOLDEN_FILE
from slsg_edge.bundle.thresholds import calibration_command, judging_threshold_name, threshold_of
from slsg_edge.bundle.tolerances import tolerance_of
from slsg_edge.contracts import Answers
from slsg_edge.errors import BundleError, ExportError, UntrustedBundle
from slsg_edge.runtime.deadline import within
from slsg_edge.runtime.detector import BackendChoice, GraphDetector
from slsg_edge.scoring import Threshold

GraphT = TypeVar("GraphT", bound=GraphDetector)

# Below what the least of the images can settle: the interval of a threshold from 30 good images
# is wider by an order.
MOVED = 1e-2
_DEADLINE = 30.0  # seconds: it takes one to three, also where OpenVINO compiles first


@dataclass(frozen=True, slots=True)
class GoldenRun:
    """What a detector answered to the golden frames."""

    golden: Golden
    answers: Answers


def open_trusted(
    bundle: Bundle,
    choice: BackendChoice,
    opening: Callable[[], GraphT],
    judging: Threshold | None = None,
) -> GraphT:
    """What `opening` gives, once it gave its golden answers; it is closed where it does not.

    judging: what its scores will be judged by; None where nobody judges them here. BundleError
    when they moved too far for that, or the model does not answer in time; UntrustedBundle when
    it gives other answers than the trained network.
    """

    def opened() -> GraphT:
        with ExitStack() as stack:
            detector = stack.enter_context(closing(opening()))
            run = golden_run(bundle, detector)
            if judging is not None and shares_reference(bundle, choice):
                require_unmoved(bundle, choice, run, judging)
            require_golden_answers(bundle, choice, run, judging)
            stack.pop_all()
        return detector

    # a CUDA context belongs to the thread that made it, so an engine is opened in this one
    on_gpu = choice.backend.startswith("tensorrt")
    return opened() if on_gpu else within(_DEADLINE, opened, _late(choice))


def golden_run(bundle: Bundle, detector: GraphDetector) -> GoldenRun:
    golden = golden_from(bundle.content(GOLDEN_FILE))
    return GoldenRun(golden, detector.run(golden.frames))


def shares_reference(bundle: Bundle, choice: BackendChoice) -> bool:
    """Whether scores that are not of FP32 are judged by the reference's threshold."""
    return choice.precision != "fp32" and judging_threshold_name(bundle, choice.backend) is None


def require_unmoved(
    bundle: Bundle, choice: BackendChoice, run: GoldenRun, judging: Threshold
) -> None:
    """BundleError where the scores moved too far for the reference's threshold, which judges."""
    off = difference(run.golden, *run.answers, judging.value)
    if off.score > MOVED or off.verdicts:
        raise BundleError(
            f"{bundle.path}: on its golden frames the scores of {choice.backend} moved by "
            f"{off.score:.1e}, {off.verdicts} verdicts changed.",
            fix=f"Run: {calibration_command(bundle, choice.backend)}",
        )


def require_golden_answers(
    bundle: Bundle, choice: BackendChoice, run: GoldenRun, judging: Threshold | None
) -> None:
    """UntrustedBundle unless the answers are the trained network's, as near as `verify` asks.

    judging: what the scores of this detector are judged by. Where that is not the reference's
    threshold, which may be found anew without it, the one that suits the scores best stands in.
    """
    golden, (maps, scores) = run.golden, run.answers
    threshold = reference_threshold(bundle, golden)
    limits = tolerance_of(bundle.manifest.tolerances, choice.backend, choice.precision)
    own = None
    if judging is None or judging.value != threshold:
        own = best_case_threshold(golden, scores, threshold)
    try:
        excesses = difference(golden, maps, scores, threshold, own).beyond(limits)
    except ExportError as error:
        excesses = (error.what,)
    if excesses:
        raise UntrustedBundle(
            f"{bundle.path}: on its golden frames {choice.backend} does not give what the trained "
            f"network gave: {', '.join(excesses).rstrip('.')}.",
            fix="Copy the bundle again from its source; where it is whole, run `slsg-edge verify` "
            "on it to see which backends agree.",
        )


def reference_threshold(bundle: Bundle, golden: Golden) -> float:
    """The bundle's; before it is calibrated, between the golden scores."""
    try:
        return threshold_of(bundle).value
    except BundleError:
        return golden.split_threshold()


def _late(choice: BackendChoice) -> BundleError:
    return BundleError(
        f"{choice.model} gave no answer for its golden frames within {_DEADLINE:.0f} seconds.",
        fix="Stop what else computes here and try again; else the model is damaged: copy the "
        "bundle again or run `slsg-edge export` on it.",
    )
