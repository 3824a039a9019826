"""What other thresholds would reject and miss, as a table whose rows set the slider."""

from slsg_edge.evaluation.tradeoff import TradeoffRow
from slsg_edge.evaluation.verdicts import Judgement
from slsg_edge.metrics.axis import score_text


def tradeoff_table(judgement: Judgement, *, buttons: bool = True) -> str:
    """Nothing without scores of both good and defective images; paper has no buttons."""
    if not judgement.tradeoff:
        return ""
    rows = "".join(_row(row, judgement, buttons) for row in judgement.tradeoff)
    heads = ("good parts rejected", f"{judgement.defects} missed", "threshold", "")
    head = "".join(f"<th>{text}</th>" for text in heads)
    return f'<table class="tradeoff"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _row(row: TradeoffRow, judgement: Judgement, buttons: bool) -> str:
    mark = ' class="own"' if row.own else ""
    name = _button(row) if buttons else ""
    if row.own:
        name = "<b>the bundle's</b>"
    return (
        f"<tr{mark}><th>{row.rejected} of {judgement.good}</th>"
        f"<td>{row.missed} of {judgement.defective}</td>"
        f"<td>{score_text(row.threshold)}</td><td>{name}</td></tr>"
    )


def _button(row: TradeoffRow) -> str:
    label = f"Show the threshold that rejects {row.rejected} and misses {row.missed}"
    return (
        f'<button type="button" class="live" data-threshold="{row.threshold!r}" '
        f'aria-label="{label}">show</button>'
    )
