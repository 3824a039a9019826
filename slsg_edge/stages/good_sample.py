"""What a threshold is found from: scores of good images, and of anomalies simulated in some."""

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.good_scores import GoodScore, GoodScores, good_scores_of
from slsg_edge.bundle.thresholds import own_threshold_name
from slsg_edge.bundle.training_record import trained_on
from slsg_edge.calibration.images import GoodImages, choose_good_images, moved, scores_of
from slsg_edge.calibration.operating_points import AcquiredScore, Simulated, by_kind_and_size
from slsg_edge.calibration.threshold import check_enough
from slsg_edge.contracts import Detector
from slsg_edge.data.contents import content_hash
from slsg_edge.data.loading import load_frames
from slsg_edge.errors import ConfigError
from slsg_edge.progress import progress
from slsg_edge.runtime.detector import REFERENCE_BACKEND, choose, open_choice
from slsg_edge.runtime.frame_check import frame_check_of
from slsg_edge.stages.simulated import simulated_scores

CARRIERS = 60  # good images, the first by content hash, in which anomalies are simulated


@dataclass(frozen=True, slots=True)
class GoodSample:
    """good: by content, each once. simulated: as thresholds keep them. notes: for the user."""

    good: tuple[GoodScore, ...]
    simulated: Simulated
    notes: tuple[str, ...] = ()

    @property
    def acquired(self) -> tuple[AcquiredScore, ...]:
        return tuple(AcquiredScore(each.score, each.acquisition) for each in self.good)

    @property
    def left_out(self) -> int:
        return sum(each.how == "left-out" for each in self.good)


def good_sample(
    bundle: Bundle, folder: Path | None, backend: str, *, replaced: bool = False
) -> GoodSample:
    """Scores of `backend`: those that training left, and those of the images in `folder`.

    replaced: only the images in `folder` count. Of them, those that were learned from count by the
    scores that training left of them. A backend whose scores are not the reference's is asked, so
    it needs a folder. ConfigError or DatasetError for what cannot be done, before scoring.
    """
    kept = good_scores_of(bundle)
    own = own_threshold_name(backend) is not None
    if folder is None:
        return _kept_alone(bundle, kept, own)
    chosen = choose_good_images(folder, trained_on(bundle), {each.image for each in kept.good})
    if own:
        check_enough(len(chosen.paths))
        return _of_backend(bundle, chosen, kept, backend)
    return _joined(bundle, chosen, kept, backend, replaced)


def _kept_alone(bundle: Bundle, kept: GoodScores, own: bool) -> GoodSample:
    if own or not kept.good:
        why = (
            "its scores are not those that training left"
            if own
            else f"{bundle.path} holds no scores of good images, as it was trained by an earlier "
            "version, imported, or trained with nothing held out"
        )
        raise ConfigError(f"Calibration needs good images: {why}.", fix="Give --images DIR.")
    check_enough(len(kept.good))
    note = (
        f"Found from the {len(kept.good)} good images of the training{_how(kept.good, kept.folds)}."
    )
    return GoodSample(kept.good, by_kind_and_size(kept.simulated), (note,))


def _joined(
    bundle: Bundle, chosen: GoodImages, kept: GoodScores, backend: str, replaced: bool
) -> GoodSample:
    known = {each.image: each for each in kept.good}
    stay = [each for each in kept.good if not replaced or each.image in chosen.hashes]
    fresh = [path for path in chosen.paths if content_hash(path) not in known]
    check_enough(len(stay) + len(fresh))
    with closing(open_choice(bundle, choose(bundle, backend))) as detector:
        new = _scored(bundle, detector, fresh, chosen)
        simulated = kept.simulated or simulated_scores(bundle, detector, _carriers(bundle, chosen))
    return GoodSample(
        (*stay, *new),
        by_kind_and_size(simulated),
        (*chosen.notes, *_said(stay, new, replaced, kept.folds)),
    )


def _of_backend(bundle: Bundle, chosen: GoodImages, kept: GoodScores, backend: str) -> GoodSample:
    left_out = kept.left_out
    learned = [path for path in chosen.paths if content_hash(path) in left_out]
    with closing(open_choice(bundle, choose(bundle, REFERENCE_BACKEND))) as reference:
        before = {each.image: each.score for each in _scored(bundle, reference, learned, chosen)}
    with closing(open_choice(bundle, choose(bundle, backend))) as detector:
        now = _scored(bundle, detector, chosen.paths, chosen)
        simulated = simulated_scores(bundle, detector, _carriers(bundle, chosen))
    good = [
        _moved(each, left_out[each.image], before[each.image]) if each.image in before else each
        for each in now
    ]
    return GoodSample(tuple(good), by_kind_and_size(simulated), chosen.notes)


def _moved(now: GoodScore, left_out: float, reference: float) -> GoodScore:
    """NaN stays what it is, to be found."""
    score = moved(left_out, reference, now.score) if math.isfinite(now.score) else now.score
    return GoodScore(now.image, score, "left-out", now.acquisition)


def _scored(
    bundle: Bundle, detector: Detector, paths: Sequence[Path], chosen: GoodImages
) -> tuple[GoodScore, ...]:
    with progress("good images", len(paths)) as advance:
        scores = scores_of(detector, paths, advance, frame_check_of(bundle, any_size=True))
    found = []
    for path, score in zip(paths, scores, strict=True):
        digest = content_hash(path)
        found.append(GoodScore(digest, score, "held-out", chosen.acquisitions.get(digest, "")))
    return tuple(found)


def _carriers(bundle: Bundle, chosen: GoodImages) -> NDArray[np.uint8]:
    """(N, H, W, 3) at model resolution."""
    first = sorted(chosen.paths, key=content_hash)[:CARRIERS]
    return load_frames(first, bundle.manifest.preprocessing)


def _how(good: Sequence[GoodScore], folds: int) -> str:
    """Of the scores that training left."""
    left_out = sum(each.how == "left-out" for each in good)
    if left_out and folds:
        others = (
            ""
            if left_out == len(good)
            else f", {len(good) - left_out} of them held out and the rest"
        )
        return f"{others}, each scored by a training without its fold, of {folds} folds"
    if left_out == len(good):
        return ", each scored by what was learned from the others"
    return "" if left_out else ", which it held out"


def _said(
    stay: Sequence[GoodScore], new: Sequence[GoodScore], replaced: bool, folds: int
) -> list[str]:
    if not stay:
        return []
    if not new:
        return [f"Found from {len(stay)} good images of the training{_how(stay, folds)}."]
    return [
        f"{len(new)} new good images join {len(stay)} of the training{_how(stay, folds)}."
        + ("" if replaced else " To take the new ones alone: --replace.")
    ]
