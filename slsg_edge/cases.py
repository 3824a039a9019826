"""From an evaluation to what a report shows: a few figures, and the images with their heat."""

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle import Bundle
from slsg_edge.contracts import Image, Mask, Outcome
from slsg_edge.data.masks import mask_of
from slsg_edge.errors import DatasetError
from slsg_edge.evaluation import Evaluation, Row
from slsg_edge.images import read_image
from slsg_edge.preprocessing import Preprocessing, map_on_frame, resize
from slsg_edge.report import LONGEST_SIDE, Case, report_html


def report_page(title: str, bundle: Bundle, evaluation: Evaluation) -> str:
    """The HTML of a report on an evaluation that has a threshold and kept its maps."""
    if evaluation.threshold is None:
        raise ValueError("a report needs an evaluation with a threshold")
    cases = cases_of(evaluation, bundle.manifest.preprocessing)
    figures, provenance = figures_of(evaluation), provenance_of(bundle)
    return report_html(title, figures, cases, evaluation.threshold, provenance)


def cases_of(evaluation: Evaluation, preprocessing: Preprocessing) -> list[Case]:
    """Every test image, read again and shrunk to what a report shows, with its heat and mask.

    An image that could not be read is a black one.
    """
    return [
        _case(row, row.verdict.outcome, preprocessing)
        for row in evaluation.rows
        if row.verdict is not None
    ]


def figures_of(evaluation: Evaluation) -> dict[str, str]:
    """Name and value of each figure, for people; what is not known is left out."""
    good, defective = evaluation.scored(good=True), evaluation.scored(good=False)
    ranking = evaluation.ranking
    figures = {
        "image AUROC": _share(evaluation.image_auroc),
        **{
            f"image AUROC, {kind.replace('_', ' ')}": _share(value)
            for kind, value in (ranking.kinds if ranking else {}).items()
        },
        "pixel AUROC": _share(evaluation.pixel_auroc),
        "F1-max": ranking and f"{ranking.f1_max:.4f} at {ranking.f1_max_threshold:.4g}",
        "false alarms": _part(evaluation.false_alarms, good, "good"),
        "misses": _part(evaluation.misses, defective, "defective"),
        "undecided": str(len(evaluation.undecided)),
    }
    return {name: value for name, value in figures.items() if value}


def provenance_of(bundle: Bundle) -> dict[str, str]:
    """What made the bundle, stage by stage."""
    stages = bundle.manifest.stages
    return {
        "bundle": bundle.path.name,
        "detector": bundle.manifest.detector,
        **{name: f"{stage.finished}, {stage.command}" for name, stage in stages.items()},
    }


def _case(row: Row, outcome: Outcome, preprocessing: Preprocessing) -> Case:
    image = _image(row, preprocessing)
    mask = _mask(row, image.shape)
    heat = np.zeros(image.shape[:2], np.float32)
    if row.anomaly_map is not None:
        heat = map_on_frame(row.anomaly_map, preprocessing, image.shape)
    height, width = _shrunk(image.shape)
    return Case(
        name=f"{row.sample.kind}/{row.sample.image.name}",
        kind=row.sample.kind,
        outcome=outcome,
        score=row.score,
        image=resize(image, height, width),
        heat=_small(heat, height, width),
        mask=None if mask is None else _small(mask.astype(np.float32), height, width) >= 0.5,
    )


def _image(row: Row, preprocessing: Preprocessing) -> Image:
    try:
        return read_image(row.sample.image)
    except DatasetError:
        return np.zeros((preprocessing.height, preprocessing.width, 3), np.uint8)


def _mask(row: Row, shape: tuple[int, ...]) -> Mask | None:
    """None without a mask, or with one that cannot be used; the evaluation has a note on it."""
    if not row.sample.masks:
        return None
    try:
        return mask_of(row.sample, shape)
    except DatasetError:
        return None


def _shrunk(shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width that fit the report; never larger than the image."""
    scale = min(1.0, LONGEST_SIDE / max(shape[:2]))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _small(values: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    import cv2

    small = cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32)


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}"


def _part(count: int | None, of: int, what: str) -> str | None:
    return None if count is None else f"{count} of {of} {what}"
