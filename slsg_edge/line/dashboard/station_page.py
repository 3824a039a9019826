"""One station: its picture large, its scores, and what it counted."""

from html import escape

from slsg_edge.line.dashboard.histogram import histogram
from slsg_edge.line.dashboard.line_page import (
    OUTCOMES,
    address,
    counts,
    picture,
    state,
    strip,
    verdict,
)
from slsg_edge.line.dashboard.words import (
    clock,
    clock_of,
    live,
    mark,
    score,
    section,
    sign,
    table,
    why,
)
from slsg_edge.line.outbox.entries import Event
from slsg_edge.line.records import Record
from slsg_edge.line.service.status import StationStatus

_LAST = 20


def station_body(station: StationStatus, heat: bool, events: list[Event]) -> list[str]:
    at = address(station.name)
    switch = "Show without heat" if heat else "Show with heat"
    return [
        live("state", state(station)),
        '<div class="halves"><div>',
        f'<div class="picture large">{picture(station, heat)}</div>',
        f'<p class="row"><a class="button" href="{at}?heat={int(not heat)}">{switch}</a>'
        f'<a class="button" href="{at}/threshold">Change the threshold</a></p></div>',
        f"<div>{live('verdict', verdict(station), strip(station), counts(station))}",
        f"{section('Scores', live('scores', _scores(station)))}</div></div>",
        section("Drift", live("drift", _drift(station))),
        section("Why parts were undecided", live("reasons", _reasons(station))),
        section("The last verdicts", live("last", _last(station.last[:_LAST]))),
        section("Counted", live("counted", _counted(station))),
        section("Events", live("events", event_table(events))),
    ]


def event_table(events: list[Event]) -> str:
    if not events:
        return '<p class="soft">Nothing has happened.</p>'
    rows = (
        (clock(each.at), escape(each.station) or "the line", f"{each.kind}: {escape(each.state)}",
         escape(each.text))
        for each in events
    )  # fmt: skip
    return table(("when", "where", "what", "said"), rows)


def _scores(station: StationStatus) -> str:
    chart = histogram(station.scores, station.threshold, station.undecided_above)
    return f'{chart}<p class="soft">Of the last {len(station.scores):,} inspected parts.</p>'


def _drift(station: StationStatus) -> str:
    names = sorted({*station.drift, *station.drift_evidence})
    if not names:
        return '<p class="soft">Nothing is known of drift yet.</p>'
    rows = []
    for name in names:
        told = sign("fine", "as at the calibration")
        if name in station.drift:
            told = sign("alarm", "no longer as at the calibration")
        rows.append((escape(name), told, _evidence(station.drift_evidence.get(name))))
    return table(("quantity", "state", "evidence, 1 warns"), rows, "numbers")


def _evidence(value: float | None) -> str:
    if value is None:
        return "-"
    return f'<progress max="1" value="{min(1.0, max(0.0, value)):.3f}"></progress> {value:.2f}'


def _reasons(station: StationStatus) -> str:
    if not station.reasons:
        return '<p class="soft">None was.</p>'
    ordered = sorted(station.reasons.items(), key=lambda pair: -pair[1])
    rows = ((escape(name.replace("_", " ")), f"{count:,}") for name, count in ordered)
    return table(("reason", "parts"), rows, "numbers")


def _last(records: tuple[Record, ...]) -> str:
    rows = (
        (
            clock_of(each.captured_at),
            str(each.sequence),
            f"{mark(each.verdict)} {each.verdict}",
            score(each.score),
            why(each),
        )
        for each in records
    )
    return table(("captured", "part", "verdict", "score", "why"), rows)


def _counted(station: StationStatus) -> str:
    total = sum(station.counts.get(outcome, 0) for outcome in OUTCOMES)
    latencies = "; ".join(
        f"{escape(stage)} {median:.1f} ms, p95 {station.latency_p95.get(stage, median):.1f} ms"
        for stage, median in station.latency_p50.items()
    )
    facts = (
        ("verdicts since the line began", f"{total:,}"),
        ("later than the limit", f"{station.late:,}"),
        ("latency, median", latencies or "-"),
        ("frames that a newer one replaced", f"{station.dropped:,}"),
        ("frames left out by rule", f"{station.skipped:,}"),
        ("reconnects of the source", f"{station.reconnects:,}"),
        ("restarts of the detector", f"{station.restarts:,}"),
        ("threshold", score(station.threshold)),
        ("undecided above", score(station.undecided_above)),
        ("bundle", escape(station.bundle) or "-"),
        ("deployment", escape(station.deployment) or "-"),
        ("runs on", escape(station.backend) or "-"),
    )
    return table(("", ""), facts, "facts")
