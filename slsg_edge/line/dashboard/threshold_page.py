"""Another threshold: what it would have made of the last parts, and only then the change."""

from collections.abc import Sequence
from html import escape

from slsg_edge.line.dashboard.histogram import histogram
from slsg_edge.line.dashboard.line_page import OUTCOMES, address
from slsg_edge.line.dashboard.trial import PARTS, Effect
from slsg_edge.line.dashboard.words import mark, note, score, section, table
from slsg_edge.line.service.status import StationStatus

_SHARES = (0.001, 0.005, 0.01, 0.05)


def threshold_body(
    station: StationStatus,
    scores: list[float],
    effect: Effect | None,
    person: str | None,
    changeable: bool,
    sharing: Sequence[str] = (),
) -> list[str]:
    """sharing: other stations of the same bundle, whose threshold changes with it."""
    at = address(station.name)
    proposed = effect.value if effect else None
    chart = histogram(scores, station.threshold, station.undecided_above, proposed)
    few = f" There are not yet {PARTS:,}." if len(scores) < PARTS else ""
    body = [
        f'<p class="soft">Scores above the threshold are anomalous. It is '
        f"<strong>{score(station.threshold)}</strong> now.</p>",
        section(f"Scores of the last {len(scores):,} inspected parts", chart,
                f'<p class="soft">What they were judged by at the time does not count here.'
                f"{few}</p>"),
        section("Try another one", _try_form(at, proposed or station.threshold),
                _suggestions(at, scores)),
    ]  # fmt: skip
    if effect is not None:
        others = _others(sharing, effect.value) if sharing else ""
        body.append(section("What it would have done", _effect(effect), others))
        body.append(section("Make the change", _change_form(at, effect, person, changeable)))
    return body


def _try_form(at: str, value: float | None) -> str:
    shown = "" if value is None else f"{value:.6g}"
    return (
        f'<form class="row" method="get" action="{at}/threshold"><label>Threshold, 0 to 1'
        f'<input name="value" type="text" inputmode="decimal" required value="{shown}"></label>'
        "<button>See what it would do</button></form>"
    )


def _suggestions(at: str, scores: list[float]) -> str:
    """Thresholds that so many of the last parts exceed; for a line on which nearly all are good."""
    if len(scores) < 2 / min(_SHARES):
        shares = [share for share in _SHARES if share * len(scores) >= 1]
    else:
        shares = list(_SHARES)
    ordered = sorted(scores, reverse=True)
    links = "".join(
        f'<a class="button" href="{at}/threshold?value={_exceeded_by(share, ordered):.6g}">'
        f"rejects {share:.1%} of them</a>"
        for share in shares
    )
    return f'<p class="row">{links}</p>' if links else ""


def _exceeded_by(share: float, ordered: list[float]) -> float:
    return min(ordered[min(len(ordered) - 1, round(share * len(ordered)))], 0.999999)


def _effect(effect: Effect) -> str:
    rows = [
        (f"{mark(outcome)} {outcome}", f"{effect.now[outcome]:,}", f"{effect.then[outcome]:,}",
         _change(effect.then[outcome] - effect.now[outcome]))
        for outcome in OUTCOMES
    ]  # fmt: skip
    heads = (
        f"of {effect.parts:,} parts", "threshold now", f"threshold {score(effect.value)}", "change"
    )  # fmt: skip
    return table(heads, rows, "numbers effect") + note(_in_words(effect))


def _others(sharing: Sequence[str], value: float) -> str:
    links = "".join(
        f'<a class="button" href="{address(name)}/threshold?value={value:.6g}">'
        f"What it would do at {escape(name)}</a>"
        for name in sharing
    )
    told = note(f"The same bundle runs at {', '.join(sharing)}, where it changes too.", "alarm")
    return f'{told}<p class="row">{links}</p>'


def _change(parts: int) -> str:
    return f"{parts:+,}" if parts else "0"


def _in_words(effect: Effect) -> str:
    if not effect.parts:
        return "Nobody can say what it does: no part was inspected yet."
    if not effect.stricter and not effect.milder:
        return "No part would have got another verdict of good."
    said = []
    if effect.stricter:
        said.append(f"{effect.stricter:,} good parts would not have passed.")
    if effect.milder:
        said.append(f"{effect.milder:,} more parts would have passed as good. Look at them first.")
    return " ".join(said)


def _change_form(at: str, effect: Effect, person: str | None, changeable: bool) -> str:
    if not changeable:
        return note("Without `token` in [http] of line.toml nothing can be changed here.", "alarm")
    if person is None:
        back = escape(f"{at}/threshold?value={effect.value:.6g}".replace("?", "%3F"))
        return (
            note("A change needs the token of the line.")
            + f'<a class="button" href="/enter?next={back}">Sign in</a>'
        )
    return (
        f'<form class="column" method="post" action="{at}/threshold">'
        f'<input type="hidden" name="value" value="{effect.value!r}">'
        f'<label>Who<input name="by" required maxlength="80" value="{escape(person)}"></label>'
        '<label>Why<input name="why" required maxlength="500"></label>'
        f"<button>Set the threshold to {score(effect.value)}</button></form>"
    )
