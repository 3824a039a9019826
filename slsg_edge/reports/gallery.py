"""The images of a report, the worst error first, with controls to sort and filter them.

Each one is a button, so that a keyboard reaches it; the page's script enlarges what is pressed.
"""

from collections.abc import Sequence
from html import escape
from statistics import median

from slsg_edge.metrics.axis import Axis, score_text
from slsg_edge.reports.case import Case, kinds_of
from slsg_edge.reports.highlights import mask_key
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
ON_PAPER = 20  # errors that a sheet has room for
PAGES = """<nav class="controls live pages" id="pages" aria-label="Pages of images" hidden>
<button type="button" data-page="-1">&larr; previous images</button>
<span id="page-text" aria-live="polite"></span>
<button type="button" data-page="1">next images &rarr;</button></nav>"""
DIALOG = """<dialog id="large" aria-label="Enlarged image">
<div class="pair"></div><p class="caption"></p>
<div class="controls"><button type="button" data-step="-1">&larr; previous</button>
<button type="button" data-step="1">next &rarr;</button>
<button type="button" data-step="0">close</button></div></dialog>"""


def gallery(cases: Sequence[Case], axis: Axis) -> str:
    """Those of `cases`, worst first, that have a picture."""
    drawn = [(index, case, case.picture) for index, case in enumerate(cases) if case.picture]
    shape = _shape([picture for _, _, picture in drawn])
    shown = "".join(_figure(*each, axis, shape) for each in drawn)
    return "\n".join(
        (
            _count(cases),
            '<div class="legend"><span><i class="heat"></i>anomaly map, '
            '<span class="one-scale">0 to 1 for all</span>'
            '<span class="own-scale">each from its lowest to its highest</span></span>'
            f"{mask_key(cases)}"
            '<span><i class="cut-key"></i>score against the threshold</span></div>',
            _controls(cases),
            f'<div class="cases" id="cases">{shown}</div>',
            '<p class="note" id="nothing" hidden>No image is left: another kind has some, or take '
            "the check from errors only.</p>",
            PAGES,
            DIALOG,
        )
    )


def _shape(pictures: Sequence[LayeredPicture]) -> str:
    """One for all images, that of the middle one, so that rows are even."""
    ratios = [picture.width / picture.height for picture in pictures]
    return "wide" if ratios and median(ratios) > WIDE else "tall"


def _count(cases: Sequence[Case]) -> str:
    wrong = sum(case.wrong for case in cases)
    return (
        f'<p class="note"><span id="errors">{wrong}</span> of {len(cases)} images have a wrong '
        f"verdict.{_left_out(cases)}</p>{_on_paper(cases)}"
    )


def _left_out(cases: Sequence[Case]) -> str:
    shown = sum(case.picture is not None for case in cases)
    if shown == len(cases):
        return ""
    return f" {shown} are shown: the worst, and the clearest finds."


def _on_paper(cases: Sequence[Case]) -> str:
    """What a print leaves out, and where it is."""
    wrong = [case for case in cases if case.wrong and case.picture]
    if not wrong:
        text = "No verdict is wrong."
    elif len(wrong) > ON_PAPER:
        text = f"The {ON_PAPER} worst of them are printed."
    else:
        text = "Each of them is printed."
    return f'<p class="note paper">{text} The file that this was printed from has more images.</p>'


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


def _figure(index: int, case: Case, picture: LayeredPicture, axis: Axis, shape: str) -> str:
    name = escape(case.name)
    reason = f'<span class="reason">{escape(case.reason)}</span>' if case.reason else ""
    ratio = picture.width / picture.height
    classes = "wrong" if case.wrong else ""
    if index >= ON_PAPER:
        classes += " beyond"
    return (
        f'<figure data-case="{index}" class="{classes.strip()}">'
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
