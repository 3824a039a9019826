"""The golden frames through a detector before its first verdict.

What the manifest vouches for may still be another network, or run otherwise on this machine. The
first frames also warm everything up.
"""

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.golden import Golden, best_case_threshold, difference, golden_from_file
from slsg_edge.bundle.plan import GOLDEN_FILE
from slsg_edge.bundle.thresholds import threshold_of
from slsg_edge.bundle.tolerances import tolerance_of
from slsg_edge.errors import BundleError, ExportError, UntrustedBundle
from slsg_edge.runtime.detector import BackendChoice, GraphDetector
from slsg_edge.scoring import Threshold


def require_golden_answers(
    bundle: Bundle, choice: BackendChoice, detector: GraphDetector, judging: Threshold
) -> None:
    """UntrustedBundle unless the answers are the trained network's, as near as `verify` asks.

    judging: what the scores of this detector are judged by. Where that is not the reference's
    threshold, which may be found anew without it, the one that suits the scores best stands in.
    """
    golden = golden_from_file(bundle.file(GOLDEN_FILE))
    maps, scores = detector.run(golden.frames)
    threshold = reference_threshold(bundle, golden)
    limits = tolerance_of(bundle.manifest.tolerances, choice.backend, choice.precision)
    own = None
    if judging.value != threshold:
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
