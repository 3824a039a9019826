"""How a state, a verdict, a time or a score is written on a page: always as a word and a shape."""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape

from slsg_edge.contracts import Outcome
from slsg_edge.line.records import Record
from slsg_edge.line.service.status import SourceState, StationStatus
from slsg_edge.line.sources.redaction import redacted
from slsg_edge.metrics.axis import score_text

_SHAPES: Mapping[Outcome, str] = {
    "good": '<circle class="body" cx="12" cy="12" r="11"/><path d="M6.5 12.5l4 4 7-8.5"/>',
    "anomalous": '<path class="body" d="M7.5 1h9L23 7.5v9L16.5 23h-9L1 16.5v-9z"/>'
    '<path d="M7.5 7.5l9 9m0-9l-9 9"/>',
    "undecided": '<path class="body" d="M12 .5L23.5 12 12 23.5.5 12z"/>'
    '<path d="M9 9.3a3 3 0 1 1 4.3 2.7c-1 .5-1.3 1-1.3 2.1"/><path d="M12 17.4v.2"/>',
}
_STATES: Mapping[SourceState, tuple[str, str]] = {
    "starting": ("getting ready", "wait"),
    "ok": ("inspecting", "fine"),
    "idle": ("waits for a part", "wait"),
    "lost": ("no picture", "alarm"),
    "failing": ("the detector fails", "alarm"),
    "ended": ("source has ended", "wait"),
    "stopped": ("stopped", "alarm"),
}
_SIGNS = {
    "fine": '<circle cx="8" cy="8" r="7"/>',
    "wait": '<circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" stroke-width="3"/>',
    "alarm": '<path d="M8 .5L15.7 15H.3z"/>',
}


def mark(outcome: Outcome, classes: str = "") -> str:
    """The shape alone, for where the word stands beside it."""
    return (
        f'<svg class="mark {outcome} {classes}" viewBox="0 0 24 24" aria-hidden="true">'
        f"{_SHAPES[outcome]}</svg>"
    )


def badge(state: SourceState) -> str:
    text, kind = _STATES[state]
    return sign(kind, text)


def sign(kind: str, text: str) -> str:
    """kind: fine, wait or alarm. text: HTML."""
    shape = f'<svg viewBox="0 0 16 16" aria-hidden="true">{_SIGNS[kind]}</svg>'
    return f'<span class="badge {kind}">{shape}{text}</span>'


def shown_verdict(station: StationStatus) -> Outcome | None:
    """What stands large on the page: never the verdict of a part that is long gone."""
    if station.newest is None:
        return None
    if station.state in ("lost", "failing", "stopped"):
        return "undecided"
    return station.newest.record.verdict


def why(record: Record) -> str:
    """Why it is undecided, as HTML; empty for the others."""
    text = record.detail or (record.reason or "").replace("_", " ")
    return escape(redacted(text))


def score(value: float | None) -> str:
    return "-" if value is None else score_text(value)


def clock(seconds: float) -> str:
    """The time of day here; with the day where it is not of today."""
    try:
        then, now = time.localtime(seconds), time.localtime()
    except (ValueError, OverflowError, OSError):
        return "?"
    return time.strftime("%H:%M:%S" if then[:3] == now[:3] else "%Y-%m-%d %H:%M:%S", then)


def clock_of(iso: str) -> str:
    try:
        return clock(datetime.fromisoformat(iso).timestamp())
    except ValueError:
        return "?"


def seconds(value: float) -> str:
    """`0.4 s`, `12 s`, `3 min`, `5 h`, `2 d`."""
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if value >= 2 * length:
            return f"{value / length:.0f} {unit}"
    return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"


def size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def note(text: str, classes: str = "") -> str:
    """A sentence in a box; text between backquotes is code."""
    parts = escape(text).split("`")
    inner = "".join(f"<code>{each}</code>" if n % 2 else each for n, each in enumerate(parts))
    return f'<p class="note {classes}">{inner}</p>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], classes: str = "") -> str:
    """Cells are HTML."""
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    lines = ("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="scroll"><table class="{classes}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def section(heading: str, *content: str) -> str:
    return f"<section><h2>{escape(heading)}</h2>{''.join(content)}</section>"


def live(name: str, *content: str) -> str:
    """A part of a page that the script renews; names are unlike each other on a page."""
    return f'<div data-live="{escape(name)}">{"".join(content)}</div>'
