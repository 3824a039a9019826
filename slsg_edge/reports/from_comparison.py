"""From a paired evaluation to what people see: rows for a terminal, a page with pictures."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from slsg_edge.contracts import Detector, Json
from slsg_edge.evaluation.evaluate import Row
from slsg_edge.evaluation.paired import Both, Contestant, Pair, PairedEvaluation, Side
from slsg_edge.metrics.differences import Change
from slsg_edge.progress import Bars, no_progress
from slsg_edge.reports.axis import score_text
from slsg_edge.reports.case import Case
from slsg_edge.reports.comparison_page import ComparisonReport, VerdictChange, comparison_html
from slsg_edge.reports.figures import HEADLINES, LABELS
from slsg_edge.reports.from_evaluation import case_of, picture_for, provenance_of
from slsg_edge.scoring import undecided
from slsg_edge.storage import write_atomically

MOST_PICTURES = 100  # images of a page
ERROR_LABELS = {"false_alarms": "false alarms, of the good", "misses": "misses, of the defective"}
EFFECTS = ("wrong now", "undecided now", "right now")


def labelled_changes(found: PairedEvaluation, headlines: bool = False) -> dict[str, Change]:
    """By names for people: errors first, then the figures, then image AUROC of each kind.

    Good kept and false alarms at a share of misses are one figure twice, so the latter is not here.
    """
    every = [name for name in LABELS if not name.startswith("false_alarm_rate")]
    wanted = HEADLINES if headlines else every
    shown = {
        label: found.changes[name] for name, label in ERROR_LABELS.items() if name in found.changes
    }
    shown |= {LABELS[name]: found.changes[name] for name in wanted if name in found.changes}
    if len(found.kinds) > 1:
        shown |= {
            f"image AUROC, {kind.replace('_', ' ')}": change for kind, change in found.kinds.items()
        }
    return shown


def lead_of(found: PairedEvaluation) -> str:
    """How many images change verdict, and to what."""
    counts = {effect: found.count(effect) for effect in EFFECTS}
    parts = ", ".join(f"{count} {effect}" for effect, count in counts.items() if count)
    changed = len(found.changed)
    of = f"{changed} of {len(found.pairs)} test images change verdict"
    return f"{of}: {parts}." if changed else f"{of}."


def latency_rows(found: PairedEvaluation) -> list[tuple[str, str, str, str]]:
    """Under `comparison_page.LATENCY_HEADS`."""
    if found.latency is None:
        return []
    return [
        (one.backend, f"{one.median:.2f}", f"{one.p95:.2f}", f"{one.speedup:.2f}")
        for one in found.latency.backends
    ]


def changed_rows(found: PairedEvaluation) -> list[tuple[str, str, str, str]]:
    """Image, what becomes of it, and both verdicts with their scores."""
    return [
        (_name(pair), pair.effect, _verdict(pair.first), _verdict(pair.second))
        for pair in found.changed
    ]


def write_comparison_report(
    path: Path,
    data: Path,
    found: PairedEvaluation,
    sides: tuple[Side, Side],
    both: Both,
    bars: Bars = no_progress,
) -> None:
    """The page on a comparison on the data set in `data`; `both` are still open."""
    first, second = found.names
    title = f"{second} against {first} on {data.resolve().name}"
    html = comparison_report_page(title, found, sides, both, bars)
    write_atomically(path, html.encode())


def comparison_report_page(
    title: str,
    found: PairedEvaluation,
    sides: tuple[Side, Side],
    both: Both,
    bars: Bars = no_progress,
) -> str:
    """The HTML; both detectors see the images that are shown once more."""
    shown = found.changed[:MOST_PICTURES]
    with bars("pictures", len(shown)) as advance:
        changed = []
        for pair in shown:
            changed.append(_changed(pair, both))
            advance()
    report = ComparisonReport(
        title,
        found.names,
        found.thresholds,
        lead_of(found),
        labelled_changes(found),
        changed,
        len(found.changed),
        latency_rows(found),
        found.notes,
        {side.name: provenance_of(side.bundle, side.choice) for side in sides},
    )
    return comparison_html(report)


def comparison_summary(found: PairedEvaluation) -> dict[str, Json]:
    """All of it, for machines."""
    return {
        "names": list(found.names),
        "thresholds": list(found.thresholds),
        "images": len(found.pairs),
        "changes": _changes_summary(found.changes),
        "kinds": _changes_summary(found.kinds),
        "changed": [
            {
                "image": str(pair.sample.image),
                "kind": pair.sample.kind,
                "effect": pair.effect,
                "outcomes": [pair.first.outcome, pair.second.outcome],
                "scores": [pair.first.score, pair.second.score],
            }
            for pair in found.changed
        ],
        "latency": None if found.latency is None else asdict(found.latency),
        "notes": list(found.notes),
    }


def _changes_summary(changes: Mapping[str, Change]) -> dict[str, Json]:
    return {name: asdict(change) for name, change in changes.items()}


def _changed(pair: Pair, both: Both) -> VerdictChange:
    rows = zip((pair.first, pair.second), both, strict=True)
    first, second = (_case(row, one) for row, one in rows)
    return VerdictChange(first, second, pair.effect)


def _case(row: Row, one: Contestant) -> Case:
    case = case_of(row, row.verdict or undecided("no verdict"))
    detector: Detector = one.detector
    return replace(case, picture=picture_for(row, detector, one.preprocessing))


def _name(pair: Pair) -> str:
    return f"{pair.sample.kind}/{pair.sample.image.name}"


def _verdict(row: Row) -> str:
    return f"{row.outcome}" if row.score is None else f"{row.outcome} {score_text(row.score)}"
