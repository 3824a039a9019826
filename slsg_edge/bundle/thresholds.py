"""Which threshold of a bundle judges the scores of which backend.

FP32 backends give the scores of the reference and share its threshold. INT8 moves scores, so it
needs a threshold of its own, found on its own scores. FP16 uses a threshold of its own where the
bundle has one, else the reference's. Knows nothing about how a threshold is found.
"""

import shlex

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.good_scores import has_good_scores
from slsg_edge.bundle.plan import threshold_stage
from slsg_edge.errors import BundleError
from slsg_edge.scoring import Threshold


def own_threshold_name(backend: str) -> str | None:
    """Under which name its threshold is stored: none for FP32, which has the reference's.

    A backend is named `library-precision`.
    """
    return None if backend.endswith("-fp32") else backend


def judging_threshold_name(bundle: Bundle, backend: str) -> str | None:
    """Under which name the threshold stands that judges the scores of `backend`.

    None is the reference's. A name is the backend's own threshold, which INT8 needs whether the
    bundle has it yet or not; `threshold_of` takes either.
    """
    own = own_threshold_name(backend)
    if own is None or own in bundle.manifest.thresholds or backend.endswith("-int8"):
        return own
    return None


def threshold_of(bundle: Bundle, backend: str | None = None) -> Threshold:
    """The reference's, or the own one of `backend`.

    BundleError when there is none, StaleBundle when the model has changed since.
    """
    manifest, stage = bundle.manifest, threshold_stage(backend)
    threshold = manifest.threshold if backend is None else manifest.thresholds.get(backend)
    if threshold is None or stage not in manifest.stages:
        raise BundleError(
            f"{bundle.path} has no threshold {'yet' if backend is None else f'for {backend} yet'}.",
            fix=f"Run: {calibration_command(bundle, backend)}",
        )
    bundle.require_fresh(stage)
    return threshold


def calibration_command(bundle: Bundle, backend: str | None) -> str:
    """What finds that threshold: without images where training left scores of the reference."""
    words = ["slsg-edge", "calibrate", str(bundle.path)]
    if backend is not None:
        words += ["--backend", backend]
    if backend is not None or not has_good_scores(bundle):
        words += ["--images", "DIR"]
    return shlex.join(words)
