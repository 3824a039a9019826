"""How good a detector is on labelled test images: metrics with intervals, and the verdicts.

Takes any `Detector`, and judges as the line does. A figure that cannot be had is left out, with a
note that says why.
"""

import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from slsg_edge.bundle.folder import Bundle
from slsg_edge.contracts import GOOD, Detector, Outcome, Prediction, Sample, Verdict
from slsg_edge.data.dataset import Dataset
from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.saturation import defect_rules
from slsg_edge.errors import BundleError, DatasetError
from slsg_edge.evaluation.known_images import known_to
from slsg_edge.evaluation.left_out import LeftOutScore, left_out_scores
from slsg_edge.evaluation.pixel import PixelEvaluation, PixelOutcome, no_figures
from slsg_edge.evaluation.verdicts import Judgement, judgement_of
from slsg_edge.images import ImageError, read_image
from slsg_edge.metrics.image_figures import image_figures, image_figures_by_kind
from slsg_edge.metrics.intervals import Figures
from slsg_edge.metrics.ranking import f1_max
from slsg_edge.preprocessing import Preprocessing, require_inside
from slsg_edge.progress import Bars, no_progress, progress
from slsg_edge.runtime.detector import BackendChoice, GraphDetector, open_choice
from slsg_edge.runtime.frame_check import FrameCheck, frame_check_of
from slsg_edge.runtime.judged import Judged, threshold_for
from slsg_edge.scoring import BETWEEN_THRESHOLDS, Threshold, judge, undecided

# What is undecided is so under any threshold; where there is none, nobody sees the other verdicts.
_ANY_THRESHOLD = Threshold(0.5, "manual")


@dataclass(frozen=True, slots=True)
class Row:
    """One test image. No score where it was not inspected, no verdict without a threshold.

    ms: from the file to the verdict, in milliseconds; None where it was not inspected
    """

    sample: Sample
    score: float | None
    verdict: Verdict | None
    ms: float | None = field(default=None, compare=False)

    @property
    def kind(self) -> str:
        return self.sample.kind

    @property
    def outcome(self) -> Outcome | None:
        return self.verdict.outcome if self.verdict else None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate` found; images that were not inspected count in none of the figures.

    `figures` by the name of the metric, over all kinds; `kinds`: those of each kind of defect
    with all good images. `judged_by`: the threshold with all that is known of it. `simulated`:
    what the defects are, where they are no real ones, in a sentence.
    """

    rows: tuple[Row, ...]
    threshold: float | None
    figures: Figures
    kinds: Mapping[str, Figures]
    f1_max_threshold: float | None
    notes: tuple[str, ...]
    judged_by: Threshold | None = None
    simulated: str = ""

    @property
    def judgement(self) -> Judgement:
        """What the threshold makes of these images, in words and parts."""
        return judgement_of(self.rows, self.threshold, simulated=bool(self.simulated))

    @property
    def image_auroc(self) -> float | None:
        figure = self.figures.get("image_auroc")
        return figure.value if figure else None

    @property
    def part_ms(self) -> float | None:
        """From the file to the verdict, the median; None where nothing was inspected."""
        times = [row.ms for row in self.rows if row.ms is not None]
        return statistics.median(times) if times else None

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


@dataclass(frozen=True, slots=True)
class ImageOutcome:
    """`figures` over all kinds, empty when there are none; `kinds` with all good images each.

    `f1_max_threshold` is the one that the best F1 is reached at.
    """

    figures: Figures = field(default_factory=dict)
    kinds: Mapping[str, Figures] = field(default_factory=dict)
    f1_max_threshold: float | None = None
    notes: tuple[str, ...] = ()


def evaluate(
    detector: Detector,
    dataset: Dataset,
    threshold: Threshold | None,
    preprocessing: Preprocessing,
    bars: Bars = no_progress,
    left_out: Mapping[Path, LeftOutScore] = MappingProxyType({}),
    check: FrameCheck | None = None,
) -> Evaluation:
    """Every test image of `dataset` through `detector`; those `left_out` count by that score.

    check: whether an image shows what the detector was trained for; None takes any.

    DatasetError when there is none, ConfigError when the region of interest reaches outside one.
    """
    samples = test_samples(dataset)
    shape = (preprocessing.height, preprocessing.width)
    judged = Judged(detector, threshold or _ANY_THRESHOLD, shape, check=check)
    with PixelEvaluation(preprocessing, defect_rules(dataset.folder)) as pixels:
        rows = []
        with bars("test images", len(samples)) as advance:
            for sample in samples:
                row = row_of(judged, sample, preprocessing, pixels, left_out.get(sample.image))
                rows.append(row if threshold else _without_verdict(row))
                advance()
        return _evaluation(rows, threshold, pixels.outcome(bars=bars))


def evaluate_bundle(
    bundle: Bundle, data: Path, choice: BackendChoice, *, for_report: bool = False
) -> Evaluation:
    """`evaluate` with the bundle's own detector on the data set in `data`, with progress bars.

    The metrics need no threshold, so none is a note; not so `for_report`, which shows verdicts.
    """
    return evaluate_dataset(bundle, read_dataset(data), choice, for_report=for_report)


def evaluate_dataset(
    bundle: Bundle,
    dataset: Dataset,
    choice: BackendChoice,
    *,
    for_report: bool = False,
    simulated: str = "",
    left_out: Mapping[Path, float] = MappingProxyType({}),
) -> Evaluation:
    """As `evaluate_bundle`; `simulated`: what the defects are, where they are no real ones.

    left_out: what images that were learned from scored by what was learned from the others.
    """
    scores = left_out_scores(bundle, choice, left_out)
    with closing(open_choice(bundle, choice)) as detector:
        threshold, notes = _threshold(bundle, choice, detector, needed=for_report)
        # anomalies are drawn in photos that were made smaller
        check = frame_check_of(bundle, any_size=bool(simulated))
        preprocessing = bundle.manifest.preprocessing
        evaluation = evaluate(detector, dataset, threshold, preprocessing, progress, scores, check)
    known = known_to(bundle, dataset, left_out)
    notes = (*known, *notes, *evaluation.notes, *dataset.notes)
    return replace(evaluation, notes=notes, simulated=simulated)


def _threshold(
    bundle: Bundle, choice: BackendChoice, detector: GraphDetector, needed: bool
) -> tuple[Threshold | None, tuple[str, ...]]:
    try:
        return threshold_for(bundle, choice, detector), ()
    except BundleError as error:
        if needed:
            raise
        return None, (f"No false alarms and misses: {error}",)


def _evaluation(
    rows: Sequence[Row], threshold: Threshold | None, on_pixels: PixelOutcome
) -> Evaluation:
    on_images = image_outcome(
        [(row.score, row.sample.kind) for row in rows if row.score is not None]
    )
    return Evaluation(
        rows=tuple(rows),
        threshold=threshold.value if threshold else None,
        figures={**on_images.figures, **on_pixels.figures},
        kinds={
            kind: {**on_images.kinds.get(kind, {}), **on_pixels.kinds.get(kind, {})}
            for kind in dict.fromkeys((*on_images.kinds, *on_pixels.kinds))
        },
        f1_max_threshold=on_images.f1_max_threshold,
        notes=(*on_images.notes, *on_pixels.notes, *_undecided_notes(rows)),
        judged_by=threshold,
    )


def image_outcome(scored: Sequence[tuple[float, str]]) -> ImageOutcome:
    """`scored`: score and kind of each image that has a score."""
    scores, kinds = [score for score, _ in scored], [kind for _, kind in scored]
    try:
        figures = image_figures(scores, kinds)
    except ValueError as error:
        return ImageOutcome(notes=(no_figures("image", error),))
    _, threshold = f1_max(scores, [kind != GOOD for kind in kinds])
    return ImageOutcome(figures, image_figures_by_kind(scores, kinds), threshold)


def test_samples(dataset: Dataset) -> tuple[Sample, ...]:
    """DatasetError when there is none."""
    samples = dataset.of("test")
    if not samples:
        raise DatasetError(
            f"{dataset.folder} has no test images.",
            fix=f"Put good ones in test/{GOOD} and defective ones in test/KIND.",
        )
    return samples


def row_of(
    judged: Judged,
    sample: Sample,
    preprocessing: Preprocessing,
    pixels: PixelEvaluation,
    left_out: LeftOutScore | None = None,
) -> Row:
    """The verdict on an image, its map added to `pixels`; by the score `left_out` where given.

    A file that is no image is undecided, and so is whatever would be on the line. ConfigError
    when the region of interest reaches outside the image, since that is a mistake of whoever set
    it and the same for every image.
    """
    start = time.perf_counter()
    try:
        image = read_image(sample.image, preprocessing.depth)
    except ImageError as error:
        return Row(sample, None, undecided(error.fault))
    if preprocessing.roi is not None:
        require_inside(preprocessing.roi, *image.shape[:2])
    examined = judged.examine(image)
    ms = 1000 * (time.perf_counter() - start)
    if examined.prediction is None:
        return Row(sample, None, examined.verdict)
    anomaly_map, score = examined.prediction.anomaly_map, examined.prediction.image_score
    pixels.add(sample, image.shape, anomaly_map)
    if left_out is None:
        return Row(sample, score, examined.verdict, ms)
    score = left_out.on_backend(score)
    return Row(sample, score, judge(Prediction(anomaly_map, score), judged.threshold), ms)


def _without_verdict(row: Row) -> Row:
    """Without a threshold only what is undecided has a verdict."""
    return row if row.outcome == "undecided" else replace(row, verdict=None)


def _undecided_notes(rows: Sequence[Row]) -> list[str]:
    verdicts = [row.verdict for row in rows if row.verdict and row.verdict.reason]
    blind = [verdict for verdict in verdicts if verdict.reason != BETWEEN_THRESHOLDS]
    notes = []
    if blind:
        notes.append(f"Undecided, so in no other figure: {len(blind)}; the first: {blind[0].why}")
    if between := len(verdicts) - len(blind):
        notes.append(f"Undecided, as they score between the two thresholds: {between}.")
    return notes
