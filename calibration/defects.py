"""Defective parts at hand: what each operating point misses of them, and which one costs least.

Defects never train anything, and no threshold is computed from their scores: they count what
thresholds from good images miss, and, with costs, say which of these to take.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from slsg_edge.calibration.costs import FEWEST_DEFECTS, Costs
from slsg_edge.calibration.operating_points import at_point, is_shown
from slsg_edge.calibration.reviewed import images_by_content
from slsg_edge.contracts import GOOD
from slsg_edge.errors import DatasetError
from slsg_edge.scoring import Threshold


def choose_defects(folder: Path, good: Collection[str]) -> dict[str, Path]:
    """The images in `folder`, of any depth, each content once, by sha256.

    good: sha256 of images that are known to be good. DatasetError where there is no image or a
    good one.
    """
    if not folder.is_dir():
        raise DatasetError(f"There is no folder {folder}.", fix="Check the path.")
    found = images_by_content(folder)
    if not found:
        raise DatasetError(
            f"{folder} holds no images.", fix="Give a folder with images of defective parts."
        )
    named = [digest for digest, path in found.items() if GOOD in _folders(folder, path)]
    require_defective(found, {*good, *named})
    return found


def require_defective(defects: Mapping[str, Path], good: Collection[str]) -> None:
    """DatasetError where one of the `defects` is among the `good`, both by sha256."""
    wrong = sorted(path for digest, path in defects.items() if digest in good)
    if wrong:
        raise DatasetError(
            f"{len(wrong)} of {len(defects)} images given as defects are good ones, such as "
            f"{wrong[0]}: trained on, held out, calibrated with, or in a folder named {GOOD}.",
            fix="Give a folder that holds images of defective parts alone.",
        )


def require_enough_defects(count: int) -> None:
    """DatasetError where so few defects can show nothing that a choice could rest on."""
    if count < FEWEST_DEFECTS:
        raise DatasetError(
            f"{count} defects are too few to choose a threshold by costs, which needs at least "
            f"{FEWEST_DEFECTS}.",
            fix=f"Give {FEWEST_DEFECTS - count} more, or leave out the costs: then what is missed "
            "of these is counted.",
        )


def counted_on(threshold: Threshold, scores: Sequence[float]) -> Threshold:
    """With what each of its points misses of defects that have these scores."""
    points = tuple(
        replace(point, missed=missed(scores, point.threshold), defects=len(scores))
        for point in threshold.points
    )
    return replace(threshold, points=points)


def missed(scores: Sequence[float], value: float) -> int:
    """How many defects pass a threshold."""
    return sum(score <= value for score in scores)


def cheapest(threshold: Threshold, costs: Costs) -> Threshold:
    """At that of its points which the good images can show and that costs least a part.

    Of equals the strictest. ValueError where no defect was counted at any.
    """
    tested = [
        (cost, point)
        for point in threshold.points
        if is_shown(threshold, point) and (cost := costs.expected(point)) is not None
    ]
    _, best = min(tested, key=lambda each: each[0])
    return replace(at_point(threshold, best), chosen_by="defects and costs")


def counted_defects(threshold: Threshold) -> int | None:
    """How many its points were counted on; None where none was."""
    return next((point.defects for point in threshold.points), None)


def _folders(folder: Path, path: Path) -> tuple[str, ...]:
    return folder.name, *path.relative_to(folder).parts[:-1]
