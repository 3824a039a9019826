"""The verdicts on each kind of image, in figures and as a bar.

The page's script writes into the same places when the threshold moves.
"""

from collections.abc import Sequence

from slsg_edge.contracts import GOOD, Outcome
from slsg_edge.reports.case import OUTCOMES, Case, kinds_of, outcome_counts
from slsg_edge.reports.page import words


def verdict_table(cases: Sequence[Case]) -> str:
    """A row per kind, good first: how many images got which verdict."""
    rows = (
        _row(index, kind, [case for case in cases if case.kind == kind])
        for index, kind in enumerate(kinds_of(cases))
    )
    heads = "".join(f"<th>{head}</th>" for head in ("kind", "images", *OUTCOMES))
    counts = outcome_counts(cases)
    total = "".join(f'<td data-outcome="{outcome}">{counts[outcome]}</td>' for outcome in OUTCOMES)
    return (
        f'<table class="verdicts"><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody>'
        f"<tfoot><tr><th>all</th><td>{len(cases)}</td>{total}</tr></tfoot></table>"
    )


def _row(index: int, kind: str, cases: Sequence[Case]) -> str:
    counts = outcome_counts(cases)
    cells = "".join(
        f'<td data-outcome="{outcome}" class="{_mark(kind, outcome, counts[outcome])}">'
        f"{counts[outcome]}</td>"
        for outcome in OUTCOMES
    )
    parts = "".join(
        f'<i class="{outcome}" style="flex-grow:{counts[outcome]}"></i>' for outcome in OUTCOMES
    )
    return (
        f'<tr data-kind="{index}"><th>{words(kind)}<span class="parts">{parts}</span></th>'
        f"<td>{len(cases)}</td>{cells}</tr>"
    )


def _mark(kind: str, outcome: Outcome, count: int) -> str:
    if not count or outcome == "undecided":
        return ""
    return "right" if (outcome == "good") == (kind == GOOD) else "wrong"
