"""The report on two detectors: what they differ by, how sure that is, and who changes verdict.

Needs no script. Knows nothing about how anything was found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from slsg_edge.evaluation.contest import Contest
from slsg_edge.metrics.axis import Axis, axis_of
from slsg_edge.metrics.differences import Change
from slsg_edge.reports.case import Case
from slsg_edge.reports.contest import contest_section
from slsg_edge.reports.figures import explained
from slsg_edge.reports.gallery import WIDE, score_track
from slsg_edge.reports.page import (
    breakable,
    page,
    provenance_table,
    resource,
    section,
    table,
    words,
)
from slsg_edge.reports.views import hot_view, plain_view

ON_PAPER = 12  # images that change verdict; the style sheet knows it, too


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """An image whose verdict changes, as each side sees it; both pictures are of this image."""

    first: Case
    second: Case
    effect: str


@dataclass(frozen=True, slots=True)
class ComparisonReport:
    """What stands on the page.

    title: the heading
    names: of the first and of the second detector
    thresholds: of both
    lead: how many images change verdict, in a sentence
    changes: of each figure, by its label
    changed: the images that are shown
    count: how many images change verdict
    latency: rows of texts under `LATENCY_HEADS`
    notes: what is to be known of the figures
    provenance: of each detector, by its name
    contest: the verdicts of both, and which one to take
    warnings: why the comparison may say nothing
    """

    title: str
    names: tuple[str, str]
    thresholds: tuple[float, float]
    lead: str
    changes: Mapping[str, Change]
    changed: Sequence[VerdictChange]
    count: int
    latency: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()
    provenance: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    contest: Contest | None = None
    warnings: Sequence[str] = ()


LATENCY_HEADS = ("", "median ms", "p95 ms", "times as fast")


def comparison_html(report: ComparisonReport) -> str:
    """The page."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    provenance = "".join(
        f"<h3>{escape(name)}</h3>{provenance_table(rows)}"
        for name, rows in report.provenance.items()
    )
    body = (
        contest_section(report.contest, report.names, report.warnings) if report.contest else "",
        f'<p class="lead">{escape(report.lead)}</p>',
        section("Differences", _differences(report), "long"),
        section("Latency", table(LATENCY_HEADS, report.latency)) if report.latency else "",
        section("Findings", f'<ul class="findings">{notes}</ul>') if notes else "",
        section("Images that change verdict", _images(report), "gallery long"),
        section("Provenance", provenance),
    )
    style = resource("evaluation.css") + resource("comparison.css")
    return page(report.title, body, style=style)


def difference_text(change: Change) -> str:
    """The difference and its interval, signed."""
    difference = change.difference
    low, high = _signed(difference.low), _signed(difference.high)
    return f"{_signed(difference.value)} ({low} to {high})"


def _differences(report: ComparisonReport) -> str:
    if not report.changes:
        return '<p class="note">No figure: the findings say why.</p>'
    reach = max(_reach(change) for change in report.changes.values()) or 1.0
    rows = "".join(_row(label, change, reach, report) for label, change in report.changes.items())
    first, second = (escape(name) for name in report.names)
    return (
        f'<table class="by-kind differences"><thead><tr><th></th><th>{first}</th><th>{second}</th>'
        f"<th>{second} minus {first}</th></tr></thead><tbody>{rows}</tbody></table>"
        '<p class="note">Ranges: 95 % confidence on the same images for both, image AUROC by '
        "DeLong, the others by bootstrap. The mark in the middle of a bar is no difference; "
        f"its ends are {reach:.3g} to either side. A range of no width means that these images "
        "show no spread, and not that more images would show none.</p>"
    )


def _row(label: str, change: Change, reach: float, report: ComparisonReport) -> str:
    first, second = (escape(name) for name in report.names)
    text = difference_text(change)
    strong = f"<b>{text}</b>" if change.sure else text
    places = "".join(
        f"--{name}:{50 + 50 * value / reach:.1f}%;"
        for name, value in (
            ("low", change.difference.low),
            ("value", change.difference.value),
            ("high", change.difference.high),
        )
    )
    return (
        f'<tr><th>{explained(label)}</th><td data-label="{first}">{change.first:.4f}</td>'
        f'<td data-label="{second}">{change.second:.4f}</td>'
        f'<td data-label="difference" class="difference">{strong}'
        f'<i class="whisker centred" style="{places}"></i></td></tr>'
    )


def _images(report: ComparisonReport) -> str:
    if not report.count:
        return '<p class="note">None.</p>'
    scores = [
        score
        for change in report.changed
        for score in (change.first.decided_score, change.second.decided_score)
        if score is not None
    ]
    axis = axis_of([*scores, *report.thresholds])
    shown = len(report.changed)
    limit = "" if shown == report.count else f" The first {shown} of {report.count} are shown."
    figures = "".join(
        _figure(index, change, axis, report) for index, change in enumerate(report.changed)
    )
    first, second = (escape(name) for name in report.names)
    return (
        f'<p class="note">The image, the anomaly map of {first}, that of {second}; what is wrong '
        f"now comes first. Each score against its own threshold.{limit}</p>"
        f'{_on_paper(shown)}<div class="cases">{figures}</div>'
    )


def _on_paper(shown: int) -> str:
    """What a print leaves out, and where it is."""
    if shown <= ON_PAPER:
        return ""
    return (
        f'<p class="note paper">The first {ON_PAPER} are printed. The file that this was printed '
        "from has the others.</p>"
    )


def _figure(index: int, change: VerdictChange, axis: Axis, report: ComparisonReport) -> str:
    sides = "".join(
        f'<span class="side" style="--cut:{100 * axis.place(threshold):.2f}%">'
        f'<span class="who">{escape(name)}</span> '
        f'<span class="badge {case.outcome}">{case.outcome}</span> '
        f'<span class="mistake">{case.mistake}</span>{score_track(case, axis)}'
        f"{_reason(case)}</span>"
        for name, threshold, case in zip(
            report.names, report.thresholds, (change.first, change.second), strict=True
        )
    )
    wrong = "wrong" if change.second.wrong else ""
    return (
        f'<figure class="{wrong}">{_views(index, change, report.names)}'
        f"<figcaption><b>{breakable(change.first.name)}</b>"
        f'<span class="truth">{words(change.first.kind)}, {escape(change.effect)}</span>{sides}'
        "</figcaption></figure>"
    )


def _views(index: int, change: VerdictChange, names: tuple[str, str]) -> str:
    first, second = change.first.picture, change.second.picture
    if first is None or second is None:
        return ""
    ratio = first.width / first.height
    shape = "wide" if ratio > WIDE else "tall three"
    hot = (
        hot_view(index, picture, f"anomaly map, {name}")
        for name, picture in zip(names, (first, second), strict=True)
    )
    views = plain_view(index, first) + "".join(hot)
    return f'<div class="pair {shape}" style="--ratio:{ratio:.3f}">{views}</div>'


def _reason(case: Case) -> str:
    return f'<span class="reason">{escape(case.reason)}</span>' if case.reason else ""


def _reach(change: Change) -> float:
    return max(
        abs(change.difference.low), abs(change.difference.high), abs(change.difference.value)
    )


def _signed(value: float) -> str:
    return "0.0000" if round(value, 4) == 0 else f"{value:+.4f}"
