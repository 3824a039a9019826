"""An evaluation as one JSON object, for machines."""

from dataclasses import asdict

from slsg_edge.calibration.operating_points import weakness
from slsg_edge.contracts import Json
from slsg_edge.evaluation.evaluate import Evaluation, Row
from slsg_edge.evaluation.next_step import Step
from slsg_edge.evaluation.verdicts import judgement_summary
from slsg_edge.metrics.intervals import Figures
from slsg_edge.scoring import Threshold, extrapolated_p_value


def summary_of(evaluation: Evaluation, step: Step | None = None) -> dict[str, Json]:
    """All of it; `step`: what to do next."""
    return {
        **judgement_summary(evaluation.judgement),
        "next": asdict(step) if step else None,
        "good": evaluation.scored(good=True),
        "defective": evaluation.scored(good=False),
        "figures": _figures_summary(evaluation.figures),
        "kinds": {kind: _figures_summary(some) for kind, some in evaluation.kinds.items()},
        "f1_max_threshold": evaluation.f1_max_threshold,
        "threshold": evaluation.threshold,
        "threshold_interval": _interval(evaluation.judged_by),
        "threshold_images": len(evaluation.judged_by.good_scores) if evaluation.judged_by else None,
        "threshold_weakness": weakness(evaluation.judged_by) if evaluation.judged_by else None,
        "false_alarms": evaluation.false_alarms,
        "misses": evaluation.misses,
        "undecided": len(evaluation.undecided),
        "ms_a_part": evaluation.part_ms,
        "notes": list(evaluation.notes),
        "images": [_row_summary(row, evaluation.judged_by) for row in evaluation.rows],
    }


def _figures_summary(figures: Figures) -> dict[str, Json]:
    """Value, low and high of each; null where the data set does not say enough."""
    return {name: None if figure is None else asdict(figure) for name, figure in figures.items()}


def _interval(threshold: Threshold | None) -> Json:
    return list(threshold.interval) if threshold and threshold.interval else None


def _row_summary(row: Row, threshold: Threshold | None) -> dict[str, Json]:
    return {
        "image": str(row.sample.image),
        "kind": row.sample.kind,
        "score": row.score,
        "outcome": row.outcome,
        **_p_values(row, threshold),
        "reason": row.verdict.reason if row.verdict else None,
        "detail": row.verdict.detail if row.verdict else None,
    }


def _p_values(row: Row, threshold: Threshold | None) -> dict[str, Json]:
    """What the good images show, and what the tail of their scores says beyond."""
    beyond = None
    if threshold is not None and row.score is not None:
        beyond = extrapolated_p_value(row.score, threshold)
    return {
        "p_value": row.verdict.p_value if row.verdict else None,
        "p_value_extrapolated": beyond,
    }
