"""Rejects from the line that a person has looked at: which of them may join the good scores.

A folder with `good/` and `bad/`, into which somebody sorted what `watch --rejects` wrote. Only
good ones ever move a threshold. Bad ones are there to be counted: nothing is chosen by them, for
rejects hold none of the defects that the threshold of that day missed.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from slsg_edge.bundle.training_record import TrainedOn
from slsg_edge.calibration.operating_points import (
    AcquiredScore,
    acquired_scores,
    choose_threshold,
    with_undecided_band,
)
from slsg_edge.contracts import GOOD
from slsg_edge.data.splits import content_hash, fingerprint
from slsg_edge.errors import DatasetError
from slsg_edge.images import HEAT_SUFFIX, is_image
from slsg_edge.scoring import Threshold

BAD = "bad"
REVIEWED = "reviewed"  # the acquisition that they form, beside others


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Reviewed images, by the sha256 of their content.

    good: those that are new.
    bad: all of them.
    notes: what the user should know of the others.
    """

    good: Mapping[str, Path]
    bad: Mapping[str, Path]
    notes: tuple[str, ...]


def choose_reviewed(
    folder: Path, counted: Collection[str], trained: TrainedOn | None = None
) -> Reviewed:
    """What is under `folder`, each content once; good ones that are `counted` already are not new.

    DatasetError when there is nothing, or an image was sorted into both.
    """
    good, bad = (images_by_content(folder / name) for name in (GOOD, BAD))
    if not good and not bad:
        raise DatasetError(
            f"{folder} holds no reviewed images.",
            fix=f"Sort the frames that `slsg-edge watch --rejects` wrote into {folder / GOOD} and "
            f"{folder / BAD}.",
        )
    both = sorted(good.keys() & bad.keys())
    if both:
        raise DatasetError(
            f"{good[both[0]]} and {bad[both[0]]} are the same image, {len(both)} such in all.",
            fix="Decide whether it is good or bad, and keep one of the two.",
        )
    known = trained.train if trained else frozenset()
    again = good.keys() & set(counted)
    learned = (good.keys() & known) - again
    new = {digest: path for digest, path in good.items() if digest not in again | learned}
    return Reviewed(new, bad, tuple(_notes(len(again), len(learned))))


def joined_threshold(
    old: Threshold, reviewed: Mapping[str, float], false_alarm_rate: float | None
) -> Threshold:
    """The threshold from the good scores of `old` and those of `reviewed`, by sha256.

    For that rate; None chooses it anew by the simulated anomalies that `old` keeps. Where the
    scores of `old` are of several acquisitions, the reviewed ones are one more. Its undecided band,
    if it has one, lies between the new operating points.
    """
    own = REVIEWED if old.acquisitions else ""
    joined = [AcquiredScore(score, own) for score in reviewed.values()]
    good = (*acquired_scores(old), *joined)
    found = choose_threshold(good, old.simulated, false_alarm_rate)
    if old.undecided_above is not None:
        found = with_undecided_band(found)
    images = tuple(sorted({*old.images, *reviewed}))
    return replace(
        found,
        data_fingerprint=fingerprint(images),
        images=images,
        reviewed=tuple(sorted({*old.reviewed, *reviewed})),
        left_out=old.left_out,
    )


def rate_to_join_for(old: Threshold) -> float | None:
    """That of `old`; None where simulated anomalies chose it, or nobody did."""
    return None if old.chosen_by == "simulated anomalies" else old.false_alarm_rate


def above(scores: Iterable[float], threshold: Threshold) -> int:
    """How many are anomalous by this threshold."""
    return sum(score > threshold.value for score in scores)


def passing(scores: Iterable[float], threshold: Threshold) -> int:
    """How many are good by this threshold, and not merely undecided."""
    band = threshold.undecided_above
    return sum(score <= (threshold.value if band is None else band) for score in scores)


def images_by_content(folder: Path) -> dict[str, Path]:
    """By sha256, in folders of any depth; not those with heat drawn over them."""
    if not folder.is_dir():
        return {}
    images = sorted(path for path in folder.rglob("*") if is_image(path) and path.is_file())
    frames = [path for path in images if not path.name.endswith(HEAT_SUFFIX)]
    return {content_hash(path): path for path in reversed(frames)}


def _notes(again: int, learned: int) -> Iterable[str]:
    if again:
        yield f"Good ones that count already: {again}."
    if learned:
        yield f"Good ones that the detector was trained on, which do not count: {learned}."
