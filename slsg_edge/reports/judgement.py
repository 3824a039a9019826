"""What leads a page: the counts in a sentence, the word, and what to do next."""

from html import escape

from slsg_edge.evaluation.next_step import Step
from slsg_edge.evaluation.verdicts import Judgement, Part, range_text


def judgement_section(judgement: Judgement, step: Step | None, simulated: str = "") -> str:
    """It reads as the sentence of the terminal; its counts are large.

    `simulated`: what the defects are, where they are no real ones.
    """
    state = judgement.state.replace(" ", "-")
    return "\n".join(
        (
            f'<section class="judgement {state}">{_sentence(judgement)}{_undecided(judgement)}'
            f'<p class="word"><b>{judgement.state}</b>: {escape(judgement.reason)}.</p>',
            f'<p class="warning">{escape(simulated)}</p>' if simulated else "",
            _next(step) if step else "",
            "</section>",
        )
    )


def _sentence(judgement: Judgement) -> str:
    counts = [
        _count(part, what, named=named)
        for part, what, named in (
            (judgement.misses, f"{judgement.defects} missed", True),
            (judgement.alarms, "good parts rejected", not _any(judgement.misses)),
        )
        if _any(part)
    ]
    shown = '<span class="then">; </span>'.join(counts) or "No image was inspected"
    return f'<p class="sentence">{shown}<span class="then">.</span></p>'


def _any(part: Part | None) -> bool:
    return part is not None and part.total > 0


def _count(part: Part | None, what: str, *, named: bool) -> str:
    """Large; nothing in it is in the colour of an alarm while it is zero."""
    if part is None:
        return ""
    mark = "" if part.count else " none"
    return (
        f'<span class="count{mark}"><b>{part}</b> <span>{what}</span> '
        f"<small>({range_text(part, named=named)})</small></span>"
    )


def _undecided(judgement: Judgement) -> str:
    text = judgement.undecided_text
    return f'<p class="undecided-count">{text}</p>' if text else ""


def _next(step: Step) -> str:
    command = f": <code>{escape(step.command)}</code>" if step.command else "."
    return f'<p class="next"><b>next:</b> {escape(step.text)}{command}</p>'
