"""Three pictures that say most about a detector: the worst miss, the worst false alarm and the
clearest find, with a box around it. Where nothing is missed or rejected: what comes closest.
"""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import NamedTuple

from slsg_edge.metrics.axis import score_text
from slsg_edge.reports.case import Case
from slsg_edge.reports.page import breakable, words
from slsg_edge.reports.views import boxed_view, hot_view

BOX_KEY = '<span><i class="box-key"></i>what the detector finds oddest</span>'
MASK_KEY = '<span><i class="mask"></i>where the defect is</span>'
TIGHT = 0.25  # of the picture: a box that is larger points at nothing


class Highlight(NamedTuple):
    """A case by its place on the page, and why it is shown."""

    title: str
    place: int
    case: Case


def highlights_of(cases: Sequence[Case]) -> list[Highlight]:
    """Of those with a picture and a score; each of the three that there is one for."""
    shown = [
        (index, case)
        for index, case in enumerate(cases)
        if case.picture is not None and case.decided_score is not None
    ]
    chosen = (
        _first(shown, lowest, _missed, "The worst miss")
        or _first(shown, lowest, _found, "Closest to being missed"),
        _first(shown, highest, _rejected, "The worst false alarm")
        or _first(shown, highest, _passed, "Closest to a false alarm"),
        _first(shown, highest, _pointed_at, "The clearest find")
        or _first(shown, highest, _found, "The clearest find"),
    )
    return [each for each in chosen if each]


def highlights_section(cases: Sequence[Case], threshold: float) -> str:
    """Nothing without a picture. Each is a button that the page's script enlarges."""
    chosen = highlights_of(cases)
    if not chosen:
        return ""
    figures = "".join(_figure(each, threshold) for each in chosen)
    key = BOX_KEY + mask_key(each.case for each in chosen)
    return f'<div class="highlights">{figures}</div><div class="legend">{key}</div>'


def mask_key(cases: Iterable[Case]) -> str:
    """What the outline of a defect means; nothing where no picture has one."""
    return MASK_KEY if any(case.picture and case.picture.outline for case in cases) else ""


def clearest_finds(cases: Iterable[Case], count: int) -> list[Case]:
    """The found defects with the highest scores."""
    found = [case for case in cases if _found(case) and case.decided_score is not None]
    return sorted(found, key=highest)[:count]


def lowest(case: Case) -> float:
    return case.decided_score or 0.0


def highest(case: Case) -> float:
    return -(case.decided_score or 0.0)


def _first(
    shown: Sequence[tuple[int, Case]],
    order: Callable[[Case], float],
    wanted: Callable[[Case], bool],
    title: str,
) -> Highlight | None:
    those = [(index, case) for index, case in shown if wanted(case)]
    if not those:
        return None
    index, case = min(those, key=lambda each: (order(each[1]), each[1].name))
    return Highlight(title, index, case)


def _missed(case: Case) -> bool:
    return case.truth == "anomalous" and case.outcome == "good"


def _found(case: Case) -> bool:
    return case.truth == case.outcome == "anomalous"


def _rejected(case: Case) -> bool:
    return case.truth == "good" and case.outcome == "anomalous"


def _passed(case: Case) -> bool:
    return case.truth == case.outcome == "good"


def _pointed_at(case: Case) -> bool:
    """Found, and its box is small."""
    picture = case.picture
    if not _found(case) or picture is None or picture.box is None:
        return False
    _, _, width, height = picture.box
    return width * height <= TIGHT * picture.width * picture.height


def _figure(each: Highlight, threshold: float) -> str:
    picture, case = each.case.picture, each.case
    if picture is None or case.decided_score is None:
        return ""
    side = "above" if case.decided_score > threshold else "not above"
    name = escape(f"{each.title}: {case.name}")
    return (
        f'<div class="highlight"><button type="button" class="pair tall" data-show="{each.place}" '
        f'aria-label="{name}">{boxed_view(each.place, picture)}'
        f"{hot_view(each.place, picture, 'anomaly map')}</button>"
        f'<div class="caption"><b>{each.title}</b><span>{breakable(case.name)}</span>'
        f'<span class="truth">{words(case.kind)}, called {case.outcome}: score '
        f"{score_text(case.decided_score)}, {side} the threshold {score_text(threshold)}</span>"
        "</div></div>"
    )
