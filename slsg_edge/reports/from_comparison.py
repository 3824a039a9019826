"""From a paired evaluation to what people see: rows for a terminal, a page with pictures."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from slsg_edge.contracts import Fault, Json
from slsg_edge.data.layouts import read_dataset
from slsg_edge.evaluation.contest import contest_of, contest_summary
from slsg_edge.evaluation.evaluate import Row
from slsg_edge.evaluation.paired import (
    Both,
    Contestant,
    Pair,
    PairedEvaluation,
    Side,
    compare_detectors,
    open_sides,
)
from slsg_edge.evaluation.products import product_warnings
from slsg_edge.metrics.axis import score_text
from slsg_edge.metrics.differences import Change
from slsg_edge.progress import Bars, no_progress
from slsg_edge.reports.case import Case
from slsg_edge.reports.comparison_page import ComparisonReport, VerdictChange, comparison_html
from slsg_edge.reports.figures import HEADLINES, LABELS
from slsg_edge.reports.from_evaluation import case_of, picture_for, provenance_of
from slsg_edge.scoring import undecided
from slsg_edge.storage import write_atomically

MOST_PICTURES = 100  # images of a page
ERROR_LABELS = {"false_alarms": "false alarms, of the good", "misses": "misses, of the defective"}
EFFECTS = ("wrong now", "undecided now", "right now")


def labelled_changes(comparison: PairedEvaluation, headlines: bool = False) -> dict[str, Change]:
    """By names for people: errors first, then the figures, then image AUROC of each kind.

    Good kept and false alarms at a share of misses are one figure twice, so the latter is not here.
    """
    every = [name for name in LABELS if not name.startswith("false_alarm_rate")]
    wanted = HEADLINES if headlines else every
    shown = {
        label: comparison.changes[name]
        for name, label in ERROR_LABELS.items()
        if name in comparison.changes
    }
    shown |= {
        LABELS[name]: comparison.changes[name] for name in wanted if name in comparison.changes
    }
    if len(comparison.kinds) > 1:
        shown |= {
            f"image AUROC, {kind.replace('_', ' ')}": change
            for kind, change in comparison.kinds.items()
        }
    return shown


def lead_of(comparison: PairedEvaluation) -> str:
    """How many images change verdict, and to what."""
    counts = {effect: comparison.count(effect) for effect in EFFECTS}
    parts = ", ".join(f"{count} {effect}" for effect, count in counts.items() if count)
    changed = len(comparison.changed)
    of = f"{changed} of {len(comparison.pairs)} test images change verdict"
    return f"{of}: {parts}." if changed else f"{of}."


def latency_rows(comparison: PairedEvaluation) -> list[tuple[str, str, str, str]]:
    """Under `comparison_page.LATENCY_HEADS`."""
    if comparison.latency is None:
        return []
    return [
        (timed.backend, f"{timed.median:.2f}", f"{timed.p95:.2f}", f"{timed.speedup:.2f}")
        for timed in comparison.latency.backends
    ]


def changed_rows(comparison: PairedEvaluation) -> list[tuple[str, str, str, str]]:
    """Image, what becomes of it, and both verdicts with their scores."""
    return [
        (_name(pair), pair.effect, _verdict(pair.first), _verdict(pair.second))
        for pair in comparison.changed
    ]


def compare_on(
    data: Path,
    sides: tuple[Side, Side],
    frames: int,
    page: Path | None = None,
    bars: Bars = no_progress,
) -> PairedEvaluation:
    """Both sides on the data set in `data`, and the page on them where one is wanted.

    `frames`: how many the latency is measured on; 0 leaves it out.
    """
    dataset = read_dataset(data)
    with open_sides(sides) as both:
        comparison = compare_detectors(both, dataset, frames, bars)
        comparison = replace(comparison, warnings=product_warnings(sides, dataset))
        if page:
            first, second = comparison.names
            title = f"{second} against {first} on {data.resolve().name}"
            html = comparison_report_page(title, comparison, sides, both, bars)
            write_atomically(page, html.encode())
    return comparison


def comparison_report_page(
    title: str,
    comparison: PairedEvaluation,
    sides: tuple[Side, Side],
    both: Both,
    bars: Bars = no_progress,
) -> str:
    """The HTML; both detectors see the images that are shown once more."""
    report = ComparisonReport(
        title,
        comparison.names,
        comparison.thresholds,
        lead_of(comparison),
        labelled_changes(comparison),
        _verdict_changes(comparison, both, bars),
        len(comparison.changed),
        latency_rows(comparison),
        comparison.notes,
        {side.name: provenance_of(side.bundle, side.choice) for side in sides},
        contest_of(comparison),
        comparison.warnings,
    )
    return comparison_html(report)


def comparison_summary(comparison: PairedEvaluation) -> dict[str, Json]:
    """All of it, for machines."""
    return {
        "names": list(comparison.names),
        "thresholds": list(comparison.thresholds),
        "images": len(comparison.pairs),
        **contest_summary(comparison),
        "changes": _changes_summary(comparison.changes),
        "kinds": _changes_summary(comparison.kinds),
        "changed": [
            {
                "image": str(pair.sample.image),
                "kind": pair.sample.kind,
                "effect": pair.effect,
                "outcomes": [pair.first.outcome, pair.second.outcome],
                "scores": [pair.first.score, pair.second.score],
            }
            for pair in comparison.changed
        ],
        "latency": None if comparison.latency is None else asdict(comparison.latency),
        "notes": list(comparison.notes),
    }


def _changes_summary(changes: Mapping[str, Change]) -> dict[str, Json]:
    return {name: asdict(change) for name, change in changes.items()}


def _verdict_changes(comparison: PairedEvaluation, both: Both, bars: Bars) -> list[VerdictChange]:
    shown = comparison.changed[:MOST_PICTURES]
    changes = []
    with bars("pictures", len(shown)) as advance:
        for pair in shown:
            changes.append(_verdict_change(pair, both))
            advance()
    return changes


def _verdict_change(pair: Pair, both: Both) -> VerdictChange:
    rows = zip((pair.first, pair.second), both, strict=True)
    first, second = (_case(row, contestant) for row, contestant in rows)
    return VerdictChange(first, second, pair.effect)


def _case(row: Row, contestant: Contestant) -> Case:
    case = case_of(row, row.verdict or undecided(Fault("detector_failed", "no verdict")))
    picture = picture_for(row, contestant.detector, contestant.preprocessing)
    return replace(case, picture=picture)


def _name(pair: Pair) -> str:
    return f"{pair.sample.kind}/{pair.sample.image.name}"


def _verdict(row: Row) -> str:
    return f"{row.outcome}" if row.score is None else f"{row.outcome} {score_text(row.score)}"
