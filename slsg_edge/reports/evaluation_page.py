"""The report on an evaluation: what is missed and rejected, scores, threshold, figures, images.

It is right as it stands, at the bundle's threshold, on paper and where no script runs; a script
moves the threshold, sorts and enlarges. Knows nothing about how the figures were found.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from slsg_edge.calibration.operating_points import Simulated, counted_groups
from slsg_edge.contracts import GOOD, Json
from slsg_edge.data.survey.finding import Finding
from slsg_edge.evaluation.next_step import Step
from slsg_edge.evaluation.verdicts import Judgement, judgement_of
from slsg_edge.metrics.axis import Axis, axis_of
from slsg_edge.metrics.intervals import Figures
from slsg_edge.reports.case import Case, decided_scores, kinds_of, worst_first
from slsg_edge.reports.data_findings import data_section
from slsg_edge.reports.figures import figure_tiles, full_table, kind_table
from slsg_edge.reports.gallery import gallery
from slsg_edge.reports.histogram import histogram
from slsg_edge.reports.judgement import judgement_section
from slsg_edge.reports.page import page, provenance_table, resource, section
from slsg_edge.reports.roc import roc_chart
from slsg_edge.reports.summary import summary_section
from slsg_edge.reports.threshold import (
    PointOnPage,
    on_threshold,
    point_buttons,
    presets,
    slider,
    take_over_note,
)
from slsg_edge.reports.tradeoff import tradeoff_table
from slsg_edge.reports.verdicts import verdict_table
from slsg_edge.scoring import Threshold

NO_SCRIPT = "<noscript><style>.live{display:none!important}</style></noscript>"


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """What stands on the page.

    title: the heading
    cases: every test image, in any order
    threshold: of the bundle
    figures: over all kinds
    kinds: figures of each kind of defect
    notes: what is to be known of the figures
    provenance: what made the bundle, and what of it was measured
    command: takes a threshold into the bundle once its value is added
    data: what a survey found about the data set
    judged_by: the threshold with all that is known of it
    step: what to do next
    simulated: what the defects are, where they are no real ones, in a sentence
    points: thresholds that the good images can show, each with the command that takes it
    tested: what it was tested on, by name: when, on which photos, by what, how fast
    """

    title: str
    cases: Sequence[Case]
    threshold: float
    figures: Figures
    kinds: Mapping[str, Figures] = field(default_factory=dict)
    notes: Sequence[str] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    command: str = "slsg-edge calibrate BUNDLE --threshold"
    data: Sequence[Finding] = ()
    judged_by: Threshold | None = None
    step: Step | None = None
    simulated: str = ""
    points: Sequence[PointOnPage] = ()
    tested: Mapping[str, str] = field(default_factory=dict)

    @property
    def judgement(self) -> Judgement:
        return judgement_of(self.cases, self.threshold, simulated=bool(self.simulated))


def evaluation_html(report: EvaluationReport) -> str:
    """The page."""
    cases = worst_first(report.cases, report.threshold)
    good, anomalous = decided_scores(cases, "good"), decided_scores(cases, "anomalous")
    marked = [each.point.threshold for each in report.points]
    axis = axis_of([*good, *anomalous, report.threshold, *marked])
    verdicts = section("Verdicts", f'<div class="scroll">{verdict_table(cases)}</div>')
    roc = section("ROC curve", roc_chart(good, anomalous, report.threshold))
    tiles = figure_tiles(report.figures)
    figures = tiles + _by_kind(report) + full_table(report.figures)
    body = (
        NO_SCRIPT,
        f'<div id="report" style="--cut:{100 * axis.place(report.threshold):.2f}%">',
        judgement_section(report.judgement, report.step, report.simulated),
        f'<p class="lead">{_lead(cases, report.judgement)}</p>',
        summary_section(cases, report.threshold, report.judgement, report.tested),
        _scores(report, cases, axis),
        f'<div class="columns">{verdicts}{roc}</div>',
        section("Images", gallery(cases, axis), "gallery long"),
        _notes(report.notes),
        data_section(report.data),
        section("Figures", figures, "long"),
        section("Provenance", provenance_table(report.provenance)),
        f'</div><script type="application/json" id="data">{_data(cases, axis, report)}</script>',
    )
    script = resource("threshold.js") + resource("gallery.js")
    return page(report.title, body, script, resource("evaluation.css"))


def _lead(cases: Sequence[Case], judgement: Judgement) -> str:
    """What was tested, in a sentence."""
    kinds = [kind for kind in kinds_of(cases) if kind != GOOD]
    good = sum(case.truth == "good" for case in cases)
    what = judgement.defects if judgement.simulated else "defective"
    of_kinds = f" of {len(kinds)} kinds" if len(kinds) > 1 else ""
    return f"{len(cases)} test images: {good} good, {len(cases) - good} {what}{of_kinds}."


def _scores(report: EvaluationReport, cases: Sequence[Case], axis: Axis) -> str:
    """One card in three parts, of which the middle one stays in sight while the page scrolls."""
    good, anomalous = decided_scores(cases, "good"), decided_scores(cases, "anomalous")
    without = len(cases) - len(good) - len(anomalous)
    note = f'<p class="note">Without a score: {without}.</p>' if without else ""
    buttons = presets(good, anomalous) + point_buttons(report.points)
    controls = buttons + take_over_note(report.command)
    sure = on_threshold(report.judged_by, report.cases) if report.judged_by else ""
    interval = report.judged_by.interval if report.judged_by else None
    chart = histogram(good, anomalous, axis, interval)
    return "\n".join(
        (
            section("Scores and threshold", chart, "scores"),
            slider(cases, axis, report.threshold, report.judged_by, report.points),
            f'<div class="after"><div>{controls}{sure}{note}</div>'
            f"{tradeoff_table(report.judgement)}</div>",
        )
    )


def _by_kind(report: EvaluationReport) -> str:
    """Folded away where it is long."""
    table = kind_table(report.figures, report.kinds)
    if len(report.kinds) < 2:
        return table
    return f'<details class="on-paper"><summary>By kind of defect</summary>{table}</details>'


def _notes(notes: Sequence[str]) -> str:
    """What the evaluation found about the data; nothing when it found nothing."""
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return section("Notes", f'<ul class="findings">{items}</ul>') if items else ""


def _simulated(report: EvaluationReport) -> Simulated:
    return report.judged_by.simulated if report.judged_by else {}


def _data(cases: Sequence[Case], axis: Axis, report: EvaluationReport) -> str:
    """What the script counts: kind and score of each case, in the order of the page."""
    kinds = kinds_of(cases)
    data: dict[str, Json] = {
        "threshold": report.threshold,
        "low": axis.low,
        "high": axis.high,
        "good": kinds.index(GOOD) if GOOD in kinds else None,
        "kinds": [*kinds],
        "kindOf": [kinds.index(case.kind) for case in cases],
        "scores": [case.decided_score for case in cases],
        "undecidedAbove": report.judged_by.undecided_above if report.judged_by else None,
        "simulated": [[*scores] for scores in counted_groups(_simulated(report))],
        "points": [
            {"threshold": each.point.threshold, "command": each.command} for each in report.points
        ],
    }
    return json.dumps(data, allow_nan=False).replace("<", "\\u003c")
