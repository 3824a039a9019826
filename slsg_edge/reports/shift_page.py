"""The report on a shift: counts, downtime, what judged, drift, and the rejects with their pictures.

It is right on paper and asks for nothing from anywhere. Times are those of the zone it is made for.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone, tzinfo
from html import escape
from itertools import chain

from slsg_edge.contracts import Outcome
from slsg_edge.line.records import Record
from slsg_edge.line.shift.downtime import Outage
from slsg_edge.line.shift.shift import Shift, StationShift
from slsg_edge.metrics.axis import score_text
from slsg_edge.reports.page import page, resource, section, table, tiles
from slsg_edge.reports.shift_hours import hours_chart
from slsg_edge.reports.shift_pictures import picture_for_record

MOST_PICTURES = 60  # of them all; each takes about 25 KB
_MOST_EVENTS = 200
_MOST_CAUSES = 20
_LONGEST = 160  # characters of a cause


def shift_html(shift: Shift, zone: tzinfo, bundles: Mapping[str, str] | None = None) -> str:
    """The page. bundles: names by fingerprint, as far as they are known."""
    times = Times(zone)
    title = f"{shift.line}: {times.long(shift.start)} to {times.long(shift.end)}"
    total = sum((station.counts for station in shift.stations), Counter[Outcome]())
    body = (
        f'<p class="note">Times are {escape(times.zone_name(shift.end))}.</p>',
        tiles(_figures(total, chain.from_iterable(one.outages for one in shift.stations))),
        *(
            _station(station, times, bundles or {}, alone=len(shift.stations) == 1)
            for station in shift.stations
        ),
        _rejects(shift, times),
        _events(shift, times),
    )
    return page(title, body, style=resource("shift.css"))


class Times:
    """UTC seconds as text in a zone."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def long(self, at: float) -> str:
        return f"{self._at(at):%Y-%m-%d %H:%M}"

    def short(self, at: float) -> str:
        return f"{self._at(at):%m-%d %H:%M:%S}"

    def zone_name(self, at: float) -> str:
        return f"{self._at(at):UTC%z}"

    def of_record(self, record: Record) -> str:
        try:
            return self.short(datetime.fromisoformat(record.captured_at).timestamp())
        except (ValueError, OverflowError, OSError):
            return record.captured_at

    def _at(self, at: float) -> datetime:
        try:
            return datetime.fromtimestamp(at, self._zone)
        except (ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(0, timezone.utc)


def duration(seconds: float) -> str:
    """As `1 h 05 min`, `5 min 03 s` or `12 s`."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {whole % 60:02d} s" if minutes else f"{whole} s"


def _figures(counts: Mapping[Outcome, int], outages: Iterable[Outage]) -> dict[str, str]:
    parts = sum(counts.values())
    return {
        "parts": str(parts),
        "good": _share(counts.get("good", 0), parts),
        "anomalous": _share(counts.get("anomalous", 0), parts),
        "undecided": _share(counts.get("undecided", 0), parts),
        "downtime": duration(sum(outage.seconds for outage in outages)),
    }


def _share(count: int, parts: int) -> str:
    return f"{count} ({count / parts:.1%})" if parts else "0"


def _station(
    station: StationShift, times: Times, bundles: Mapping[str, str], *, alone: bool
) -> str:
    """alone: the figures of the line are its own."""
    figures = "" if alone else tiles(_figures(station.counts, station.outages))
    parts = [figures, hours_chart(station.hours, times.long)]
    if station.reasons:
        rows = [(reason, str(count)) for reason, count in station.reasons.most_common()]
        parts.append(_titled("Undecided", table(("reason", "parts"), rows)))
    parts.append(_titled("Downtime", _downtime(station)))
    parts.append(_titled("What judged", _in_force(station, times, bundles)))
    parts.append(_titled("Drift", _drift(station, times)))
    return section(f"Station {escape(station.name)}", "\n".join(parts))


def _titled(heading: str, content: str) -> str:
    return f"<h3>{heading}</h3>{content}"


def _downtime(station: StationShift) -> str:
    """The longest causes, and what the others come to."""
    down = list(station.down.items())
    rows = [
        (_cut(cause), duration(seconds), str(times))
        for cause, (seconds, times) in down[:_MOST_CAUSES]
    ]
    if others := [spent for _, spent in down[_MOST_CAUSES:]]:
        seconds, times = (sum(each) for each in zip(*others, strict=True))
        rows.append((f"{len(others)} others", duration(seconds), f"{times:.0f}"))
    return table(("cause", "duration", "times"), rows) if rows else _note("There was none.")


def _in_force(station: StationShift, times: Times, bundles: Mapping[str, str]) -> str:
    rows = [
        (
            _named(one.bundle, bundles),
            score_text(one.threshold),
            times.long(one.first),
            times.long(one.last),
            str(one.parts),
        )
        for one in station.in_force
    ]
    heads = ("bundle", "threshold", "from", "to", "parts")
    return table(heads, rows) if rows else _note("No part was judged.")


def _named(fingerprint: str, bundles: Mapping[str, str]) -> str:
    name = bundles.get(fingerprint)
    return f"{name} ({fingerprint})" if name else fingerprint


def _drift(station: StationShift, times: Times) -> str:
    if not station.drift:
        return _note("Good parts looked as they did.")
    rows = [
        (name, times.long(drift.first), str(drift.parts)) for name, drift in station.drift.items()
    ]
    return table(("no longer as it was", "first told", "verdicts that say so"), rows)


def _rejects(shift: Shift, times: Times) -> str:
    """The newest of each station, and as many pictures as a page should hold."""
    each = max(1, MOST_PICTURES // max(1, len(shift.stations)))
    shown = [record for station in shift.stations for record in list(station.rejects)[:each]]
    total = sum(station.rejected for station in shift.stations)
    if not total:
        return section("Rejects", _note("Every part that was inspected was good."))
    figures = "".join(_reject(record, shift, times) for record in shown)
    all_shown = len(shown) == total
    left_out = "" if all_shown else f"The newest {len(shown)} of {total}; the CSV file has all."
    return section("Rejects", f'{_note(left_out)}<div class="rejects">{figures}</div>')


def _reject(record: Record, shift: Shift, times: Times) -> str:
    source = picture_for_record(record, shift.folder)
    shown = f'<img src="{source}" alt="">' if source else '<span class="none">no picture</span>'
    score = "" if record.score is None else f", score {score_text(record.score)}"
    label = shift.labels.get(record.id)
    lines = (
        f'<span class="verdict {escape(record.verdict)}">{escape(record.verdict)}</span>{score}',
        f"{escape(record.station)} {record.sequence}, {escape(times.of_record(record))}",
        escape(_cut(record.detail or record.reason or "")),
        f"a person says: {escape(label)}" if label else "",
    )
    return f'<figure class="reject">{shown}<p>{"<br>".join(filter(None, lines))}</p></figure>'


def _events(shift: Shift, times: Times) -> str:
    rows = [
        (times.short(event.at), event.kind, event.station, event.state, _cut(event.text))
        for event in shift.events[-_MOST_EVENTS:]
    ]
    if not rows:
        return section("What else happened", _note("Nothing."))
    return section("What else happened", table(("time", "of", "station", "state", "what"), rows))


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>' if text else ""


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
