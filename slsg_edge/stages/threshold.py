"""The threshold of a bundle: found from good images, set by hand, stored, found again.

`calibrate` finds it; `build-engine` finds it again on a backend's own scores where these moved
from the reference's.
"""

import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.golden import Difference, difference, golden_from
from slsg_edge.bundle.plan import GOLDEN_FILE
from slsg_edge.bundle.thresholds import calibration_command, own_threshold_name, threshold_of
from slsg_edge.calibration.acquisitions import acquisition_notes
from slsg_edge.calibration.costs import Costs
from slsg_edge.calibration.operating_points import (
    choose_threshold,
    with_undecided_band,
)
from slsg_edge.calibration.storing import moved_by_hand, set_by_hand, store_threshold
from slsg_edge.calibration.threshold import images_needed, threshold_by_hand
from slsg_edge.config import require
from slsg_edge.data.contents import fingerprint
from slsg_edge.errors import BundleError
from slsg_edge.runtime.detector import (
    BackendChoice,
    choose,
    open_choice,
)
from slsg_edge.runtime.golden_check import MOVED
from slsg_edge.scoring import Threshold
from slsg_edge.stages.defects import given_defects, no_longer_counted, with_defects
from slsg_edge.stages.good_sample import GoodSample, good_sample


@dataclass(frozen=True, slots=True)
class Refit:
    """How far the backend is from the golden answers; its new threshold, if it needed one.

    `missing`: the command that finds one, where it is needed and no images were given.
    """

    bundle: Bundle
    difference: Difference
    threshold: Threshold | None = None
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Calibrated:
    """bundle: with its threshold. notes: what the user should know of the images."""

    bundle: Bundle
    threshold: Threshold
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """How a threshold is chosen.

    false_alarm_rate: the share of good parts that may be rejected; None takes the strictest that
    the images can show and that finds nearly all simulated anomalies, at most 1 in 20.
    by_hand: the threshold itself.
    band: whether scores between the strictest and the loosest that can be shown are undecided.
    replaced: whether the images given take the place of those that training left scores of.
    defects: images of defective parts, which are counted at each operating point.
    costs: with defects, the point that costs least is taken.
    """

    false_alarm_rate: float | None = None
    by_hand: float | None = None
    band: bool = False
    replaced: bool = False
    defects: Path | None = None
    costs: Costs | None = None

    def __post_init__(self) -> None:
        require(
            self.costs is None or self.defects is not None,
            "Costs need defects to count the misses of.",
            "Give a folder of defects, or no costs.",
        )


AUTOMATIC = Choice()


def calibrate(
    bundle: Bundle,
    images: Path | None,
    choice: Choice = AUTOMATIC,
    backend: str | None = None,
    *,
    command: str,
) -> Calibrated:
    """Finds the threshold from good images, or takes the one given by hand, and stores it.

    images: None takes the scores that training left. It judges the scores of `backend`, of the
    best in FP32 by default. ConfigError or DatasetError for what cannot be done, before anything
    is scored.
    """
    started = time.monotonic()
    chosen = backend_to_calibrate(bundle, backend).backend
    _require_possible(choice)
    if choice.by_hand is not None and images is None:
        found, notes = moved_by_hand(bundle, choice.by_hand, chosen), tuple[str, ...]()
    else:
        found, notes = _from_images(bundle, images, choice, chosen)
    stored = store_threshold(bundle, found, command, started, chosen, choice.costs)
    return Calibrated(stored, found, notes)


def _from_images(
    bundle: Bundle, images: Path | None, choice: Choice, backend: str
) -> tuple[Threshold, tuple[str, ...]]:
    defects = choice.defects and given_defects(bundle, choice.defects, choice.costs)
    sample = good_sample(bundle, images, backend, replaced=choice.replaced)
    found, tested = threshold_of_sample(sample, choice), list[str]()
    if defects:
        found, tested = with_defects(bundle, found, defects, choice.costs, backend)
    forgotten = _forgotten(_stored(bundle, backend), found)
    return found, (*sample.notes, *acquisition_notes(found), *tested, *forgotten)


def _require_possible(choice: Choice) -> None:
    """ConfigError for a threshold or a rate that is none."""
    if choice.by_hand is not None:
        threshold_by_hand(choice.by_hand)
    if choice.false_alarm_rate is not None:
        images_needed(choice.false_alarm_rate)


def threshold_of_sample(sample: GoodSample, choice: Choice) -> Threshold:
    """ConfigError for a rate that is none, or a band that so few images cannot show."""
    if choice.by_hand is None:
        found = choose_threshold(sample.acquired, sample.simulated, choice.false_alarm_rate)
        found = with_undecided_band(found) if choice.band else found
    else:
        known = choose_threshold(sample.acquired, sample.simulated)
        found = set_by_hand(choice.by_hand, known)
    images = tuple(sorted(each.image for each in sample.good))
    return replace(
        found, data_fingerprint=fingerprint(images), images=images, left_out=sample.left_out
    )


def backend_to_calibrate(bundle: Bundle, name: str | None) -> BackendChoice:
    """Whose scores the threshold is for: the one that was asked for, else the best in FP32."""
    return choose(bundle, name, None if name else "fp32")


def refit_if_moved(bundle: Bundle, backend: str, images: Path | None, command: str) -> Refit:
    """BundleError when there is no threshold yet at all; EngineError when it does not run here."""
    reference = threshold_of(bundle)
    choice = choose(bundle, backend)
    golden = golden_from(bundle.content(GOLDEN_FILE))
    with closing(open_choice(bundle, choice)) as detector:
        off = difference(golden, *detector.run(golden.frames), reference.value)
    if choice.precision != "int8" and off.score <= MOVED and not off.verdicts:
        return Refit(bundle, off)
    if images is None:
        return Refit(bundle, off, missing=calibration_command(bundle, backend))
    rate = reference.false_alarm_rate
    done = calibrate(bundle, images, Choice(rate), backend, command=command)
    return Refit(done.bundle, off, done.threshold)


def has_threshold(bundle: Bundle) -> bool:
    """Whether there is a fresh one that another backend could be compared with."""
    try:
        threshold_of(bundle)
    except BundleError:
        return False
    return True


def _stored(bundle: Bundle, backend: str) -> Threshold | None:
    own = own_threshold_name(backend)
    return bundle.manifest.thresholds.get(own) if own else bundle.manifest.threshold


def _forgotten(old: Threshold | None, new: Threshold) -> list[str]:
    """What the old one knew: a threshold is from the images given and from nothing else."""
    count = len(old.reviewed) if old else 0
    again = f"Reviewed rejects that no longer count, so add them again: {count}."
    return [*([again] if count else []), *no_longer_counted(old, new)]
