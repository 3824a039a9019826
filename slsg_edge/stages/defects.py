"""Defective parts at hand, scored on the backend that a threshold is for."""

import math
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.training_record import trained_on
from slsg_edge.calibration.costs import Costs
from slsg_edge.calibration.defects import (
    cheapest,
    choose_defects,
    counted_defects,
    counted_on,
    missed,
    require_defective,
    require_enough_defects,
)
from slsg_edge.calibration.images import scores_of
from slsg_edge.errors import DatasetError
from slsg_edge.progress import progress
from slsg_edge.runtime.detector import choose, open_choice
from slsg_edge.runtime.frame_check import frame_check_of
from slsg_edge.scoring import Threshold

CHOSEN_WITH = (
    "The threshold was chosen with these defects, so they do not test it any more: `slsg-edge "
    "eval` needs others."
)


def given_defects(bundle: Bundle, folder: Path, costs: Costs | None) -> Mapping[str, Path]:
    """By sha256; DatasetError for what is no folder of defects, or holds too few to choose by."""
    trained = trained_on(bundle)
    defects = choose_defects(folder, trained.train | trained.holdout if trained else ())
    if costs is not None:
        require_enough_defects(len(defects))
    return defects


def with_defects(
    bundle: Bundle,
    found: Threshold,
    defects: Mapping[str, Path],
    costs: Costs | None,
    backend: str,
) -> tuple[Threshold, list[str]]:
    """`found` with what its points miss, and with `costs` at the cheapest; notes for the user."""
    require_defective(defects, found.images)
    scores = [*scores_by_file(bundle, backend, sorted(defects.values()), "defects").values()]
    counted = counted_on(found, scores)
    if costs is not None:
        return cheapest(counted, costs), [CHOSEN_WITH]
    if counted.undecided_above is None:
        return counted, []
    passed = missed(scores, counted.undecided_above)
    between = missed(scores, counted.value) - passed
    return counted, [f"Of {len(scores)} defects {passed} are good and {between} undecided."]


def no_longer_counted(old: Threshold | None, new: Threshold) -> list[str]:
    """Where the threshold there was knows of defects, and the new one does not."""
    count = counted_defects(old) if old else None
    if not count or counted_defects(new):
        return []
    chosen = " It was chosen by them." if old and old.chosen_by == "defects and costs" else ""
    return [
        f"The threshold that is replaced was tested on {count} defects, the new one on none: give "
        f"--defects DIR to count them again.{chosen}"
    ]


def scores_by_file(
    bundle: Bundle, backend: str, paths: Collection[Path], what: str
) -> dict[Path, float]:
    """Of `backend`, in the order given; DatasetError for a score that is none."""
    with (
        closing(open_choice(bundle, choose(bundle, backend))) as detector,
        progress(what, len(paths)) as advance,
    ):
        check = frame_check_of(bundle, any_size=True)
        scores = dict(zip(paths, scores_of(detector, paths, advance, check), strict=True))
    for path, score in scores.items():
        if not math.isfinite(score) or not 0 <= score <= 1:
            raise DatasetError(
                f"{path} has the score {score}, which is no number from 0 to 1.",
                fix="Take it out; if others have such scores too, run `slsg-edge export` again.",
            )
    return scores
