"""The threshold of a bundle from a folder of good images: choose them, score them, judge."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from slsg_edge.bundle import Bundle
from slsg_edge.calibration.images import choose_good_images, scores_of
from slsg_edge.calibration.stored import trained_on
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
    return replace(found, data_fingerprint=chosen.fingerprint), chosen.notes


def backend_to_calibrate(bundle: Bundle, name: str | None) -> Choice:
    """Whose scores the threshold is for: the one that was asked for, else the best in FP32."""
    return choose(bundle, name, None if name else "fp32")


def _scores(bundle: Bundle, paths: Sequence[Path], backend: str | None) -> list[float]:
    with (
        closing(open_choice(bundle, backend_to_calibrate(bundle, backend))) as detector,
        progress("good images", len(paths)) as advance,
    ):
        return scores_of(detector, paths, advance)
