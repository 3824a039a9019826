"""How good a detector is on labelled test images: AUROC, F1-max, false alarms and misses.

Takes any `Detector`. A number that cannot be had is None, with a note that says why.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slsg_edge.bundle import Bundle
from slsg_edge.contracts import (
    GOOD,
    AnomalyMap,
    Detector,
    Image,
    Json,
    Outcome,
    Prediction,
    Sample,
    Verdict,
)
from slsg_edge.data.layouts import Dataset, read_dataset
from slsg_edge.data.masks import labels_of
from slsg_edge.errors import DatasetError
from slsg_edge.images import read_image
from slsg_edge.metrics.ranking import PixelRanking, auroc, f1_max
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.progress import progress
from slsg_edge.runtime.detector import open_detector
from slsg_edge.scoring import Threshold, judge, undecided

_ANY = Threshold(0.5, "manual")


@dataclass(frozen=True, slots=True)
class Row:
    """One test image. No score and no map when undecided, no verdict without a threshold."""

    sample: Sample
    score: float | None
    verdict: Verdict | None
    anomaly_map: AnomalyMap | None = None

    @property
    def outcome(self) -> Outcome | None:
        return self.verdict.outcome if self.verdict else None


@dataclass(frozen=True, slots=True)
class Ranking:
    """Of the image scores. `kinds`: AUROC of one kind of defect against all good images."""

    image_auroc: float
    kinds: Mapping[str, float]
    f1_max: float
    f1_max_threshold: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate` found; undecided images count in neither ranking nor pixels."""

    rows: tuple[Row, ...]
    threshold: float | None
    ranking: Ranking | None
    pixel_auroc: float | None
    notes: tuple[str, ...]

    @property
    def image_auroc(self) -> float | None:
        return self.ranking.image_auroc if self.ranking else None

    @property
    def false_alarms(self) -> int | None:
        """Good images called anomalous; None without a threshold."""
        return None if self.threshold is None else self.count("anomalous", good=True)

    @property
    def misses(self) -> int | None:
        """Defective images called good; None without a threshold."""
        return None if self.threshold is None else self.count("good", good=False)

    @property
    def undecided(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.outcome == "undecided")

    def count(self, outcome: Outcome, good: bool) -> int:
        """How many of the good or of the defective images have this outcome."""
        return sum(row.outcome == outcome and row.sample.good == good for row in self.rows)

    def scored(self, good: bool) -> int:
        """How many of the good or of the defective images have a score."""
        return sum(row.score is not None and row.sample.good == good for row in self.rows)


def summary_of(evaluation: Evaluation) -> dict[str, Json]:
    """Everything but the maps, for machines."""
    ranking = evaluation.ranking
    return {
        "good": evaluation.scored(good=True),
        "defective": evaluation.scored(good=False),
        "image_auroc": evaluation.image_auroc,
        "image_auroc_by_kind": dict(ranking.kinds) if ranking else {},
        "pixel_auroc": evaluation.pixel_auroc,
        "f1_max": ranking.f1_max if ranking else None,
        "f1_max_threshold": ranking.f1_max_threshold if ranking else None,
        "threshold": evaluation.threshold,
        "false_alarms": evaluation.false_alarms,
        "misses": evaluation.misses,
        "undecided": len(evaluation.undecided),
        "notes": list(evaluation.notes),
        "images": [_row_summary(row) for row in evaluation.rows],
    }


def evaluate(
    detector: Detector,
    dataset: Dataset,
    threshold: Threshold | None,
    preprocessing: Preprocessing,
    progress: Callable[[], None] | None = None,
    keep_maps: bool = False,
) -> Evaluation:
    """Every test image of `dataset` through `detector`; `progress` is called once per image.

    `keep_maps` keeps the anomaly maps in the rows, 256 KB each, for a report.
    DatasetError when there is no test image.
    """
    samples = dataset.of("test")
    if not samples:
        raise DatasetError(
            f"{dataset.folder} has no test images.",
            fix=f"Put good ones in test/{GOOD} and defective ones in test/KIND.",
        )
    pixels = _Pixels(preprocessing)
    rows = []
    for sample in samples:
        rows.append(_row(detector, sample, threshold, pixels, keep_maps))
        if progress:
            progress()
    ranking, missing = _ranking(rows)
    pixel_auroc, left_out = pixels.outcome()
    return Evaluation(
        rows=tuple(rows),
        threshold=threshold.value if threshold else None,
        ranking=ranking,
        pixel_auroc=pixel_auroc,
        notes=(*missing, *left_out, *_undecided_notes(rows)),
    )


def evaluate_bundle(
    bundle: Bundle,
    data: Path,
    threshold: Threshold | None,
    backend: str | None = None,
    *,
    keep_maps: bool = False,
) -> Evaluation:
    """`evaluate` with the bundle's own detector on the data set in `data`, with a progress bar."""
    dataset = read_dataset(data)
    with (
        closing(open_detector(bundle, backend)) as detector,
        progress("test images", len(dataset.of("test"))) as advance,
    ):
        spec = bundle.manifest.preprocessing
        return evaluate(detector, dataset, threshold, spec, advance, keep_maps)


def _row(
    detector: Detector,
    sample: Sample,
    threshold: Threshold | None,
    pixels: "_Pixels",
    keep_map: bool,
) -> Row:
    """A file that is no image, or a score that is no number, is undecided and never good."""
    try:
        image = read_image(sample.image)
    except DatasetError as error:
        return Row(sample, None, undecided(error.what))
    prediction = detector.detect(image)
    verdict = _verdict(prediction, threshold)
    if verdict and verdict.outcome == "undecided":
        return Row(sample, None, verdict)
    pixels.add(sample, image, prediction.anomaly_map)
    kept = prediction.anomaly_map if keep_map else None
    return Row(sample, prediction.image_score, verdict, kept)


def _verdict(prediction: Prediction, threshold: Threshold | None) -> Verdict | None:
    """Without a threshold only what is undecided under any of them has a verdict."""
    verdict = judge(prediction, threshold or _ANY)
    return verdict if threshold or verdict.outcome == "undecided" else None


class _Pixels:
    """Collects the pixels of maps and masks, and why those of some images are not among them."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        self._preprocessing = preprocessing
        self._ranking = PixelRanking()
        self._unmasked = 0
        self._faults: list[str] = []

    def add(self, sample: Sample, image: Image, anomaly_map: AnomalyMap) -> None:
        if not sample.good and not sample.masks:
            self._unmasked += 1
            return
        try:
            labels, inside = labels_of(sample, image.shape, self._preprocessing)
            # a softmax may round to just above 1; NaN passes the clip and is refused
            self._ranking.add(np.clip(anomaly_map, 0, 1)[inside], labels[inside])
        except DatasetError as error:
            self._faults.append(error.what)
        except ValueError as error:
            self._faults.append(f"{sample.image}: {error}.")

    def outcome(self) -> tuple[float | None, list[str]]:
        """The pixel AUROC, and what to know about it."""
        notes = []
        if self._unmasked:
            notes.append(
                f"Defective images without a mask, so not in the pixels: {self._unmasked}."
            )
        if self._faults:
            notes.append(
                f"Images not in the pixels: {len(self._faults)}; the first: {self._faults[0]}"
            )
        try:
            return self._ranking.auroc(), notes
        except ValueError as error:
            return None, [f"No pixel AUROC: it {error} pixels.", *notes]


def _ranking(rows: Sequence[Row]) -> tuple[Ranking | None, list[str]]:
    """The ranking, or None and why there is none."""
    scored = [row for row in rows if row.score is not None]
    scores = np.array([row.score for row in scored], np.float64)
    defective = np.array([not row.sample.good for row in scored], bool)
    kind_of = np.array([row.sample.kind for row in scored], object)
    try:
        image_auroc = auroc(scores, defective)
    except ValueError as error:
        return None, [f"No image AUROC and F1-max: it {error} images."]
    kinds = {}
    for kind in dict.fromkeys(kind_of[defective]):
        chosen = ~defective | (kind_of == kind)
        kinds[str(kind)] = auroc(scores[chosen], defective[chosen])
    return Ranking(image_auroc, kinds, *f1_max(scores, defective)), []


def _undecided_notes(rows: Sequence[Row]) -> list[str]:
    reasons = [row.verdict.reason or "" for row in rows if row.verdict and row.verdict.reason]
    if not reasons:
        return []
    return [f"Undecided, so in no other figure: {len(reasons)}; the first: {reasons[0]}"]


def _row_summary(row: Row) -> dict[str, Json]:
    return {
        "image": str(row.sample.image),
        "kind": row.sample.kind,
        "score": row.score,
        "outcome": row.outcome,
        "p_value": row.verdict.p_value if row.verdict else None,
        "reason": row.verdict.reason if row.verdict else None,
    }
