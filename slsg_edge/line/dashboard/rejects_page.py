"""Parts that were not good, for a person to label good or bad."""

import shlex
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from slsg_edge.contracts import Outcome
from slsg_edge.line.dashboard.frame import address_of
from slsg_edge.line.dashboard.words import clock_of, mark, note, score, section, why
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.records import Record

PAGE = 24
_BUTTONS: tuple[tuple[str, Outcome], ...] = (("good", "good"), ("bad", "anomalous"))


def rejects_body(
    rejects: Sequence[Stored], labels: Mapping[str, str], commands: Mapping[Path, str], can: bool
) -> list[str]:
    """commands: what takes the labelled pictures over, by the folder. can: whether to label."""
    cards = "".join(_card(each, labels.get(each.record.id), can) for each in rejects)
    body = [f'<div class="cards rejects">{cards}</div>']
    if not rejects:
        body = ['<p class="soft">There is none.</p>']
    if not can:
        body.insert(0, note("To label parts, sign in with the token of the line."))
    if len(rejects) == PAGE:
        body.append(
            f'<p class="row"><a class="button" href="/rejects?before={rejects[-1].position}">'
            "Older ones</a></p>"
        )
    return [*body, section("What labels are for", _use(commands, can))]


def command_of(bundle: Path, folder: Path) -> str:
    return shlex.join(["slsg-edge", "calibrate", str(bundle), "--add-reviewed", str(folder)])


def reject_body(record: Record, label: str | None, can: bool, heat: bool, hot: bool) -> list[str]:
    """One part, large. heat: whether it is shown with it. hot: whether it can be."""
    source = f"/pictures/{record.id}?size=large&amp;heat={int(heat)}"
    switch = "Show without heat" if heat else "Show with heat"
    buttons = [f'<a class="button" href="/rejects#v-{record.id}">All rejects</a>']
    if hot:
        buttons.append(
            f'<a class="button" href="/rejects/{record.id}?heat={int(not heat)}">{switch}</a>'
        )
    return [
        f'<p class="soft">{clock_of(record.captured_at)}, threshold {score(record.threshold)}</p>',
        _verdict(record),
        f'<div class="picture large"><img src="{source}" alt="Part {record.sequence}"></div>',
        f'<p class="row">{"".join(buttons)}</p>',
        _label_form(record.id, label, can),
    ]


def _card(stored: Stored, label: str | None, can: bool) -> str:
    record = stored.record
    picture = (
        f'<a class="picture" href="/rejects/{record.id}"><img loading="lazy" '
        f'src="/pictures/{record.id}?size=small" alt="Part {record.sequence}"></a>'
    )
    if record.image is None:
        picture = (
            f'<span class="picture"><img src="{address_of("no-picture.svg")}" '
            'alt="No picture was kept"></span>'
        )
    where = f"{escape(record.station)}, part {record.sequence}, {clock_of(record.captured_at)}"
    return (
        f'<article class="card" id="v-{record.id}"><p class="soft">{where}</p>{picture}'
        f"{_verdict(record)}{_label_form(record.id, label, can)}</article>"
    )


def _verdict(record: Record) -> str:
    about = f"score {score(record.score)}" if record.score is not None else why(record)
    return (
        f'<p class="verdict small {record.verdict}">{mark(record.verdict)}'
        f'<span class="word">{record.verdict}</span><span class="about">{about}</span></p>'
    )


def _label_form(verdict_id: str, label: str | None, can: bool) -> str:
    if not can:
        return f'<p class="soft">labelled {escape(label)}</p>' if label else ""
    buttons = "".join(_button(*each, label) for each in _BUTTONS)
    return f'<form class="row" method="post" action="/rejects/{verdict_id}/label">{buttons}</form>'


def _button(value: str, shape: Outcome, label: str | None) -> str:
    """Pressed again, it takes the label back."""
    pressed = label == value
    return (
        f'<button name="label" value="{"" if pressed else value}" class="label {value}" '
        f'aria-pressed="{str(pressed).lower()}">{mark(shape)}{value}</button>'
    )


def _use(commands: Mapping[Path, str], can: bool) -> str:
    said = [
        '<p class="soft">Pictures labelled here are sorted into folders. Good ones join the '
        "calibration by <code>slsg-edge calibrate --add-reviewed</code> on this computer, which "
        "first shows what the threshold would become.</p>"
    ]
    said += [f"<pre>{escape(command)}</pre>" for command in commands.values()]
    if can and commands:
        said.append(
            '<form class="row" method="post" action="/rejects/export">'
            "<button>Sort them into the folders again</button></form>"
        )
    return "".join(said)
