"""The images of a report, the worst error first, with controls to sort and filter them.

Each one is a button, so that a keyboard reaches it; the page's script enlarges what is pressed.
"""

from collections.abc import Sequence
from html import escape

from slsg_edge.metrics.axis import Axis, score_text
from slsg_edge.reports.case import Case, kinds_of
from slsg_edge.reports.layers import LayeredPicture
from slsg_edge.reports.page import breakable, words
from slsg_edge.reports.views import hot_view, plain_view

ORDERS = {
    "worst": "worst error",
    "high": "highest score",
    "low": "lowest score",
    "name": "name",
    "kind": "kind",
}
WIDE = 4 / 3  # wider images stand one above the other, others side by side
DIALOG = """<dialog id="large" aria-label="Enlarged image">
<div class="pair"></div><p class="caption"></p>
<div class="controls"><button type="button" data-step="-1">&larr; previous</button>
<button type="button" data-step="1">next &rarr;</button>
<button type="button" data-step="0">close</button></div></dialog>"""


def gallery(cases: Sequence[Case], axis: Axis) -> str:
    """Those of `cases`, worst first, that have a picture."""
    shown = "".join(
        _figure(index, case, case.picture, axis)
        for index, case in enumerate(cases)
        if case.picture is not None
    )
    return "\n".join(
        (
            _count(cases),
            '<div class="legend"><span><i class="heat"></i>anomaly map, '
            '<span class="one-scale">0 to 1 for all</span>'
            '<span class="own-scale">each from its lowest to its highest</span></span>'
            '<span><i class="mask"></i>where the defect is</span>'
            '<span><i class="cut-key"></i>score against the threshold</span></div>',
            _controls(cases),
            f'<div class="cases" id="cases">{shown}</div>',
            '<p class="note" id="nothing" hidden>None of the images shown.</p>',
            DIALOG,
        )
    )


def _count(cases: Sequence[Case]) -> str:
    shown = sum(case.picture is not None for case in cases)
    wrong = sum(case.wrong for case in cases)
    limit = "" if shown == len(cases) else f" The {shown} worst are shown."
    return (
        f'<p class="note"><span id="errors">{wrong}</span> of {len(cases)} images have a wrong '
        f"verdict.{limit}</p>"
    )


def _controls(cases: Sequence[Case]) -> str:
    orders = "".join(
        f'<label><input type="radio" name="order" value="{name}"'
        f"{' checked' if name == 'worst' else ''}><span>{label}</span></label>"
        for name, label in ORDERS.items()
    )
    return (
        '<div class="controls live"><fieldset class="choice"><legend>sort by</legend>'
        f'{orders}</fieldset>{_kinds(cases)}<label class="check"><input type="checkbox" '
        'id="errors-only">errors only</label>'
        '<label class="check"><input type="checkbox" id="stretch">stretch the scale of each map'
        "</label></div>"
    )


def _kinds(cases: Sequence[Case]) -> str:
    """A choice of kinds, where there is one."""
    kinds = kinds_of(cases)
    if len(kinds) < 2:
        return ""
    options = "".join(
        f'<option value="{index}">{words(kind)}</option>' for index, kind in enumerate(kinds)
    )
    return (
        '<label class="select">kind <select id="kind"><option value="">all</option>'
        f"{options}</select></label>"
    )


def _figure(index: int, case: Case, picture: LayeredPicture, axis: Axis) -> str:
    name = escape(case.name)
    reason = f'<span class="reason">{escape(case.reason)}</span>' if case.reason else ""
    ratio = picture.width / picture.height
    shape = "wide" if ratio > WIDE else "tall"
    return (
        f'<figure data-case="{index}" class="{"wrong" if case.wrong else ""}">'
        f'<button type="button" class="pair {shape}" style="--ratio:{ratio:.3f}" '
        f'aria-label="Enlarge {name}">'
        f"{plain_view(index, picture)}{hot_view(index, picture, 'anomaly map')}</button>"
        f"<figcaption><b>{breakable(case.name)}</b>"
        f'<span class="truth">{words(case.kind)} &rarr; </span>'
        f'<span class="badge {case.outcome}">{case.outcome}</span> '
        f'<span class="mistake">{case.mistake}</span>{score_track(case, axis)}{reason}'
        "</figcaption></figure>"
    )


def score_track(case: Case, axis: Axis) -> str:
    """The score as a dot on the axis of the histogram, and in figures."""
    score = case.decided_score
    if score is None:
        return '<span class="score">no score</span>'
    return (
        f'<span class="score"><i class="track" style="--at:{100 * axis.place(score):.2f}%"></i>'
        f"{score_text(score)}</span>"
    )
