"""The threshold of a bundle from a folder of good images: choose them, score them, judge."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from slsg_edge.bundle.folder import Bundle
from slsg_edge.calibration.images import choose_good_images, scores_of
from slsg_edge.calibration.stored import own_threshold_name, trained_on
from slsg_edge.calibration.threshold import (
    check_enough,
    threshold_by_hand,
    threshold_from_scores,
)
from slsg_edge.progress import progress
from slsg_edge.runtime.detector import Choice, choose, open_choice
from slsg_edge.scoring import Threshold


def threshold_from_images(
    bundle: Bundle,
    folder: Path,
    rate: float,
    by_hand: float | None = None,
    backend: str | None = None,
) -> tuple[Threshold, tuple[str, ...]]:
    """For the false-alarm rate or by hand, and what the user should know of the images.

    The scores are those of `backend`, or of the best in FP32, which gives the reference's.
    ConfigError or DatasetError for what cannot be done, before anything is scored.
    """
    chosen = choose_good_images(folder, trained_on(bundle))
    if by_hand is None:
        check_enough(len(chosen.paths), rate)
        found = threshold_from_scores(_scores(bundle, chosen.paths, backend), rate)
    else:
        threshold_by_hand(by_hand)
        found = threshold_by_hand(by_hand, _scores(bundle, chosen.paths, backend))
    found = replace(found, data_fingerprint=chosen.fingerprint, images=chosen.hashes)
    return found, (*chosen.notes, *_forgotten(bundle, backend))


def backend_to_calibrate(bundle: Bundle, name: str | None) -> Choice:
    """Whose scores the threshold is for: the one that was asked for, else the best in FP32."""
    return choose(bundle, name, None if name else "fp32")


def _forgotten(bundle: Bundle, backend: str | None) -> list[str]:
    """A threshold from a folder is from that folder alone."""
    own = own_threshold_name(backend_to_calibrate(bundle, backend).backend)
    old = bundle.manifest.thresholds.get(own) if own else bundle.manifest.threshold
    count = len(old.reviewed) if old else 0
    if not count:
        return []
    return [f"Reviewed rejects that no longer count, so add them again: {count}."]


def _scores(bundle: Bundle, paths: Sequence[Path], backend: str | None) -> list[float]:
    with (
        closing(open_choice(bundle, backend_to_calibrate(bundle, backend))) as detector,
        progress("good images", len(paths)) as advance,
    ):
        return scores_of(detector, paths, advance)
