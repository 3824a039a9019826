"""Whether a bundle can watch a line, and what to run next."""

import shlex
from dataclasses import dataclass

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.plan import EXPORT_STAGE, MODEL_FILES, command_that_writes
from slsg_edge.bundle.thresholds import calibration_command, threshold_of
from slsg_edge.errors import BundleError


@dataclass(frozen=True, slots=True)
class Readiness:
    """missing: what is, in a sentence; None where nothing is. command: what to run next."""

    missing: str | None
    command: str

    @property
    def ready(self) -> bool:
        return self.missing is None


def readiness_of(bundle: Bundle) -> Readiness:
    """By its FP32 graph and the threshold of that, which every bundle watches with."""
    model = MODEL_FILES["fp32"]
    if not bundle.holds(model):
        return Readiness("It is not exported yet.", command_that_writes(model, bundle.path) or "")
    try:
        bundle.file(model)
    except BundleError as error:
        return Readiness(error.what, bundle.command_of(EXPORT_STAGE))
    if bundle.manifest.threshold is None:
        return Readiness("It has no threshold yet.", calibration_command(bundle, None))
    try:
        threshold_of(bundle)
    except BundleError as error:
        return Readiness(error.what, calibration_command(bundle, None))
    return Readiness(None, shlex.join(["slsg-edge", "watch", str(bundle.path), "SOURCE"]))
