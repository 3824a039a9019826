"""From an evaluation to what a report shows: figures, all verdicts, and pictures of the worst."""

import shlex
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from slsg_edge.bundle.commands import command_for
from slsg_edge.bundle.folder import Bundle
from slsg_edge.contracts import Detector, Image, Mask, Verdict
from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.masks import mask_of
from slsg_edge.data.survey.finding import Finding
from slsg_edge.data.survey.survey import survey
from slsg_edge.errors import DatasetError
from slsg_edge.evaluation.evaluate import Evaluation, Row
from slsg_edge.evaluation.next_step import Setup, next_step
from slsg_edge.images import read_image
from slsg_edge.metrics.axis import score_text
from slsg_edge.preprocessing import Preprocessing, map_on_frame
from slsg_edge.progress import Bars, no_progress, progress
from slsg_edge.reports.case import Case, error_order
from slsg_edge.reports.evaluation_page import EvaluationReport, evaluation_html
from slsg_edge.reports.figures import HEADLINES, LABELS, figure_text, known
from slsg_edge.reports.highlights import clearest_finds
from slsg_edge.reports.layers import LayeredPicture, picture_of
from slsg_edge.reports.tested_on import what_was_tested
from slsg_edge.reports.threshold import PointOnPage
from slsg_edge.runtime.detector import BackendChoice, open_choice
from slsg_edge.storage import write_atomically

MOST_PICTURES = 200  # images of a report; those of 400x800 pixels take 20 KB each
FINDS = 8  # of them show defects that were found with the highest scores
BY_KIND = ("image_auroc", "aupro")  # what a terminal has room for


def write_evaluation_report(
    path: Path, bundle: Bundle, data: Path, evaluation: Evaluation, choice: BackendChoice
) -> None:
    """The page on an evaluation with a threshold, and on what a survey finds about its data."""
    findings = survey(read_dataset(data), progress).findings
    title = " on ".join(dict.fromkeys((bundle.path.stem, data.resolve().name)))
    html = evaluation_report_page(title, bundle, evaluation, choice, findings, data)
    write_atomically(path, html.encode())


def evaluation_report_page(
    title: str,
    bundle: Bundle,
    evaluation: Evaluation,
    choice: BackendChoice,
    data: Sequence[Finding] = (),
    folder: Path = Path("DATA"),
) -> str:
    """The HTML of a report on an evaluation with a threshold, with progress bars.

    `data`: what a survey found about the data set in `folder`.

    The detector sees the images that are shown once more: keeping the maps of all would take
    256 KB each.
    """
    if evaluation.threshold is None:
        raise ValueError("a report needs an evaluation with a threshold")
    with closing(open_choice(bundle, choice)) as detector:
        cases = cases_of(evaluation, detector, bundle.manifest.preprocessing, bars=progress)
    setup = Setup(bundle, choice.backend, evaluation.judged_by, folder)
    report = EvaluationReport(
        title,
        cases,
        evaluation.threshold,
        evaluation.figures,
        evaluation.kinds,
        evaluation.notes,
        provenance_of(bundle, choice),
        command_of(bundle, choice),
        data,
        evaluation.judged_by,
        next_step(evaluation.judgement, evaluation.rows, setup),
        evaluation.simulated,
        points_of(setup),
        what_was_tested(bundle, evaluation, choice, folder),
    )
    return evaluation_html(report)


def cases_of(
    evaluation: Evaluation,
    detector: Detector,
    preprocessing: Preprocessing,
    shown: int = MOST_PICTURES,
    bars: Bars = no_progress,
) -> list[Case]:
    """Every test image, worst first, the first of them and the clearest finds with a picture.

    An image that could not be read is a black one.
    """
    threshold = evaluation.threshold or 0.0
    pairs = [(case_of(row, row.verdict), row) for row in evaluation.rows if row.verdict]
    pairs.sort(key=lambda pair: error_order(pair[0], threshold))
    wanted = _with_picture([case for case, _ in pairs], shown)
    with bars("pictures", len(wanted)) as advance:
        cases = []
        for place, (case, row) in enumerate(pairs):
            if place not in wanted:
                cases.append(case)
                continue
            picture = picture_for(row, detector, preprocessing, stretched=True)
            cases.append(replace(case, picture=picture))
            advance()
    return cases


def _with_picture(cases: Sequence[Case], shown: int) -> set[int]:
    """The places of the worst, and of the clearest finds where not all have room."""
    if len(cases) <= shown:
        return set(range(len(cases)))
    finds = clearest_finds(cases, min(FINDS, shown))
    places = {place for place, case in enumerate(cases) if any(case is each for each in finds)}
    rest = (place for place in range(len(cases)) if place not in places)
    return places.union(islice(rest, shown - len(places)))


def figure_texts(evaluation: Evaluation) -> dict[str, str]:
    """Name and value of each figure, for a terminal; what is not known is left out."""
    good, defective = evaluation.scored(good=True), evaluation.scored(good=False)
    figures = {
        LABELS[name]: figure_text(figure)
        for name, figure in known(evaluation.figures, HEADLINES).items()
    }
    if evaluation.f1_max_threshold is not None:
        figures["F1-max is reached at"] = score_text(max(0.0, evaluation.f1_max_threshold))
    verdicts = {
        "false alarms": _part(evaluation.false_alarms, good, "good"),
        "misses": _part(evaluation.misses, defective, "defective"),
        "undecided": str(len(evaluation.undecided)),
    }
    return {**figures, **_by_kind(evaluation), **verdicts}


def provenance_of(bundle: Bundle, choice: BackendChoice) -> dict[str, str]:
    """What made the bundle, stage by stage, and which file of it was measured."""
    manifest = bundle.manifest
    return {
        "bundle": bundle.path.name,
        "detector": manifest.detector,
        "backend": f"{choice.backend}, {choice.reason}",
        "model": _model_text(bundle, choice),
        **{name: _stage_text(bundle, name) for name in manifest.stages},
    }


def points_of(setup: Setup) -> tuple[PointOnPage, ...]:
    """The operating points of the threshold that judged; none for one of an earlier version."""
    points = setup.threshold.points if setup.threshold else ()
    return tuple(
        PointOnPage(point, setup.calibrate_for(point.false_alarm_rate)) for point in points
    )


def command_of(bundle: Bundle, choice: BackendChoice) -> str:
    """What takes another threshold into the bundle, but for its value."""
    words = ["slsg-edge", "calibrate", str(bundle.path)]
    if choice.precision != "fp32":
        words += ["--backend", choice.backend]
    return shlex.join([*words, "--threshold"])


def _by_kind(evaluation: Evaluation) -> dict[str, str]:
    """The figures of each kind; nothing where they are those over all kinds."""
    if len(evaluation.kinds) < 2:
        return {}
    return {
        f"{LABELS[name]}, {kind.replace('_', ' ')}": figure_text(figure)
        for kind, figures in evaluation.kinds.items()
        for name, figure in known(figures, BY_KIND).items()
    }


def case_of(row: Row, verdict: Verdict) -> Case:
    """Without its picture."""
    return Case(
        name=f"{row.sample.kind}/{row.sample.image.name}",
        kind=row.sample.kind,
        outcome=verdict.outcome,
        score=row.score,
        reason=verdict.why,
    )


def picture_for(
    row: Row, detector: Detector, preprocessing: Preprocessing, *, stretched: bool = False
) -> LayeredPicture:
    """The image with its heat, which an undecided one has not, and the mask.

    `stretched`: with the heat on a scale of its own, too.
    """
    try:
        image = read_image(row.sample.image, preprocessing.depth)
    except DatasetError:
        return picture_of(np.zeros((preprocessing.height, preprocessing.width, 3), np.uint8))
    heat = None
    if row.score is not None:
        prediction = detector.detect(image)
        heat = map_on_frame(prediction.anomaly_map, preprocessing, image.shape)
    return picture_of(image, heat, _mask(row, image), stretched=stretched)


def _mask(row: Row, image: Image) -> Mask | None:
    """None without a mask, or with one that cannot be used; the evaluation has a note on it."""
    if not row.sample.masks:
        return None
    try:
        return mask_of(row.sample, image.shape)
    except DatasetError:
        return None


def _model_text(bundle: Bundle, choice: BackendChoice) -> str:
    """Its name in the bundle and, where the manifest vouches for it, its sha256."""
    name = choice.model.relative_to(bundle.path).as_posix()
    digests = (stage.outputs.get(name) for stage in bundle.manifest.stages.values())
    digest = next(filter(None, digests), None)
    return f"{name}, sha256 {digest}" if digest else name


def _stage_text(bundle: Bundle, name: str) -> str:
    stage = bundle.manifest.stages[name]
    tools = ", ".join(f"{name} {version}" for name, version in stage.tools.items())
    return f"{stage.finished}, {command_for(stage.command, bundle.path)} ({tools})"


def _part(count: int | None, of: int, what: str) -> str:
    return "no threshold" if count is None else f"{count} of {of} {what}"
