"""The threshold found again on a backend's own scores, where these moved from the reference's.

An engine that was just built says of the golden frames what it says; this compares and, given
good images, puts the threshold right in the same run.
"""

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.golden import FILE, Difference, difference, golden_from_file
from slsg_edge.bundle.thresholds import calibration_command, threshold_of
from slsg_edge.calibration.stored import store_threshold
from slsg_edge.calibration.threshold import FALSE_ALARM_RATE
from slsg_edge.errors import BundleError
from slsg_edge.runtime.detector import choose, open_choice
from slsg_edge.runtime.judged import MOVED
from slsg_edge.scoring import Threshold
from slsg_edge.stages.threshold import threshold_from_images


@dataclass(frozen=True, slots=True)
class Refit:
    """How far the backend is from the golden answers; its new threshold, if it needed one.

    `missing`: the command that finds one, where it is needed and no images were given.
    """

    bundle: Bundle
    difference: Difference
    threshold: Threshold | None = None
    missing: str | None = None


def refit_if_moved(bundle: Bundle, backend: str, images: Path | None, command: str) -> Refit:
    """BundleError when there is no threshold yet at all; EngineError when it does not run here."""
    started = time.monotonic()
    reference = threshold_of(bundle)
    choice = choose(bundle, backend)
    golden = golden_from_file(bundle.file(FILE))
    with closing(open_choice(bundle, choice)) as detector:
        off = difference(golden, *detector.run(golden.frames), reference.value)
    if choice.precision != "int8" and off.score <= MOVED and not off.verdicts:
        return Refit(bundle, off)
    if images is None:
        return Refit(bundle, off, missing=calibration_command(bundle, backend))
    rate = reference.false_alarm_rate or FALSE_ALARM_RATE
    found, _ = threshold_from_images(bundle, images, rate, None, backend)
    return Refit(store_threshold(bundle, found, command, started, backend), off, found)


def has_threshold(bundle: Bundle) -> bool:
    """Whether there is a fresh one that another backend could be compared with."""
    try:
        threshold_of(bundle)
    except BundleError:
        return False
    return True
