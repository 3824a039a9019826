"""What leads the page on two detectors: the verdicts of both, and which one to take."""

from collections.abc import Sequence
from html import escape

from slsg_edge.evaluation.contest import Contest, Line


def contest_section(contest: Contest, names: tuple[str, str], warnings: Sequence[str]) -> str:
    """A warning comes before what it is about."""
    warned = "".join(
        f'<p class="warning"><b>Warning:</b> {escape(warning)}</p>' for warning in warnings
    )
    first, second = (escape(name) for name in names)
    rows = "".join(_row(line, names) for line in contest.lines)
    return (
        f'<section class="judgement contest">{warned}'
        f'<p class="recommendation">{escape(contest.recommendation)}</p>'
        f'<table class="verdict-lines"><thead><tr><th></th><th>{first}</th><th>{second}</th>'
        f"<th></th></tr></thead><tbody>{rows}{_states(contest, names)}</tbody></table></section>"
    )


def _row(line: Line, names: tuple[str, str]) -> str:
    cells = "".join(
        f'<td data-label="{escape(name)}"><b>{part}</b> <small>{ranges}</small></td>'
        for name, part, ranges in zip(names, (line.first, line.second), line.ranges, strict=True)
    )
    mark = f'<td class="mark {line.mark}">{line.verdict}</td>'
    return f"<tr><th>{line.what}</th>{cells}{mark}</tr>"


def _states(contest: Contest, names: tuple[str, str]) -> str:
    cells = "".join(
        f'<td data-label="{escape(name)}"><b>{judgement.state}</b> '
        f"<small>{escape(judgement.reason)}</small></td>"
        for name, judgement in zip(names, (contest.first, contest.second), strict=True)
    )
    return f"<tr><th>by itself</th>{cells}<td></td></tr>"
