"""The first sheet of a report: what the counts rest on, as somebody who decides reads it.

On paper it has the trade-off and a place to sign.
"""

from collections.abc import Mapping, Sequence
from html import escape

from slsg_edge.evaluation.verdicts import Judgement, Part, percent
from slsg_edge.reports.case import Case
from slsg_edge.reports.highlights import highlights_section
from slsg_edge.reports.page import section, words
from slsg_edge.reports.tradeoff import tradeoff_table

SIGN = (
    '<div class="sign paper"><span class="box-to-tick">Released for the line</span>'
    '<span class="box-to-tick">Not released</span><span>Name</span><span>Date</span>'
    "<span>Signature</span></div>"
)


def summary_section(
    cases: Sequence[Case], threshold: float, judgement: Judgement, tested: Mapping[str, str]
) -> str:
    """`tested`: what it was tested on, by name."""
    pictures = highlights_section(cases, threshold)
    facts = _facts(tested)
    columns = "".join(f"<div>{each}</div>" for each in (kind_bars(judgement), facts) if each)
    trade = tradeoff_table(judgement, buttons=False)
    other = f'<div class="paper"><h3>Other thresholds</h3>{trade}</div>' if trade else ""
    return section(
        "In short",
        f'{pictures}<div class="columns">{columns}</div>{other}{SIGN}',
        "short",
    )


def kind_bars(judgement: Judgement) -> str:
    """Misses by kind of defect, the worst first; nothing where there is but one kind."""
    if len(judgement.kinds) < 2:
        return ""
    rows = "".join(_bar(kind, part) for kind, part in judgement.kinds)
    return (
        f"<h3>{judgement.defects.capitalize()} missed, by kind</h3>"
        f'<table class="kind-bars"><tbody>{rows}</tbody></table>'
    )


def _bar(kind: str, part: Part) -> str:
    return (
        f'<tr><th>{words(kind)}</th><td class="bar"><i style="width:{100 * part.share:.1f}%"></i>'
        f"</td><td>{part}</td><td>{percent(part.share)} %</td></tr>"
    )


def _facts(tested: Mapping[str, str]) -> str:
    if not tested:
        return ""
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in tested.items()
    )
    return f'<h3>What was tested</h3><dl class="facts">{rows}</dl>'
