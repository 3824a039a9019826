"""The first page: a card for each station, and what takes the verdicts."""

from html import escape
from urllib.parse import quote

from slsg_edge.contracts import Outcome
from slsg_edge.line.dashboard.frame import address_of
from slsg_edge.line.dashboard.summary import since_verdict
from slsg_edge.line.dashboard.words import (
    badge,
    clock,
    live,
    mark,
    score,
    seconds,
    section,
    shown_verdict,
    sign,
    size,
    table,
    why,
)
from slsg_edge.line.records import Record
from slsg_edge.line.service.status import LineStatus, SinkStatus, StationStatus
from slsg_edge.line.sources.redaction import redacted

_STRIP = 16
OUTCOMES: tuple[Outcome, ...] = ("good", "anomalous", "undecided")


def line_body(line: LineStatus) -> list[str]:
    cards = "".join(_card(each) for each in line.stations)
    return [
        f'<div class="cards">{cards}</div>',
        section("What takes the verdicts", live("sinks", sinks_table(line.sinks))),
        live("foot", f'<p class="soft">{_foot(line)}</p>'),
    ]


def _card(station: StationStatus) -> str:
    at, name = address(station.name), escape(station.name)
    return (
        f'<article class="card"><h2><a href="{at}">{name}</a></h2>'
        f"{live(f'state {station.name}', state(station))}"
        f'<a class="picture" href="{at}">{picture(station)}</a>'
        f"{live(f'verdict {station.name}', verdict(station), strip(station), counts(station))}"
        "</article>"
    )


def address(station: str) -> str:
    return f"/stations/{quote(station, safe='')}"


def picture(station: StationStatus, heat: bool = True) -> str:
    """The script keeps it at the newest part."""
    has_one = station.newest is not None and station.newest.frame.image is not None
    source = f"{address(station.name)}/picture.jpg?heat={int(heat)}"
    shown = escape(source) if has_one else address_of("no-picture.svg")
    return (
        f'<img class="live" src="{shown}" data-picture="{escape(source)}" '
        f'data-station="{escape(station.name)}" alt="The newest part at {escape(station.name)}">'
        '<span class="part" hidden></span>'
    )


def state(station: StationStatus) -> str:
    since = f'<span class="soft">since {clock(station.since)}</span>'
    detail = escape(redacted(station.detail))
    return f'<p class="state">{badge(station.state)} {since}</p>' + (
        f'<p class="detail">{detail}</p>' if detail else ""
    )


def verdict(station: StationStatus) -> str:
    """The newest one, large; one of a part that is no longer there is none."""
    shown, newest = shown_verdict(station), station.newest
    if shown is None or newest is None:
        return '<p class="verdict none"><span class="word">no verdict yet</span></p>'
    record, age = newest.record, since_verdict(station)
    ago = "" if age is None else f", {seconds(age)} ago"
    about = f"part {record.sequence}{ago}"
    if shown != record.verdict:
        about = f"the last one was {record.verdict}: {about}"
    elif record.score is not None:
        limit = score(record.threshold)
        about = f"score {score(record.score)}, threshold {limit}, {about}"
    return (
        f'<p class="verdict {shown}">{mark(shown)}<span class="word">{shown}</span>'
        f'<span class="about">{about}</span></p>' + reason(record)
    )


def reason(record: Record) -> str:
    text = why(record)
    drift = ", ".join(record.drift)
    drifts = f'<p class="detail">Drift: {escape(drift)}</p>' if drift else ""
    return (f'<p class="detail">{text}</p>' if text else "") + drifts


def strip(station: StationStatus) -> str:
    """The last verdicts, the newest on the left."""
    marks = "".join(
        f'<li title="part {each.sequence}: {each.verdict}">{mark(each.verdict)}</li>'
        for each in station.last[:_STRIP]
    )
    return f'<ol class="strip" aria-label="The last verdicts">{marks}</ol>' if marks else ""


def counts(station: StationStatus) -> str:
    cells = "".join(
        f"<div><dt>{mark(outcome)}{outcome}</dt><dd>{station.counts.get(outcome, 0):,}</dd></div>"
        for outcome in OUTCOMES
    )
    return f'<dl class="counts">{cells}</dl>'


def sinks_table(sinks: tuple[SinkStatus, ...]) -> str:
    if not sinks:
        return '<p class="soft">Verdicts are stored here, and line.toml names no sink.</p>'
    heads = ("sink", "state", "waiting", "taken", "failures")
    return table(heads, map(_sink_row, sinks), "numbers")


def _sink_row(sink: SinkStatus) -> tuple[str, ...]:
    state = sign("fine", "takes them")
    if sink.trouble:
        state = sign("alarm", escape(redacted(sink.trouble)))
    name = f"{escape(sink.name)} <span class=soft>{escape(sink.kind)}</span>"
    return name, state, f"{sink.waiting:,}", f"{sink.taken:,}", f"{sink.failures:,}"


def _foot(line: LineStatus) -> str:
    return (
        f"Running since {clock(line.started)}. Kept pictures take {size(line.pictures_bytes)}; "
        f"{size(line.disk_free)} are free. Times are those of this line's clock."
    )
