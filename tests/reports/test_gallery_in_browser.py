"""The images of a report in a real browser: sorted, filtered and enlarged, by mouse and by keys."""

import math

import numpy as np
import pytest
from opened_report import FOCUSED, NAMES, judged, move_slider, text, threshold_shown

from slsg_edge.reports.case import worst_first

ORDERS = {
    "high": lambda case: (-(case.score or 0), case.name),
    "low": lambda case: (2 if case.score is None else case.score, case.name),
    "name": lambda case: case.name,
    "kind": lambda case: (["good", "missing_label", "scratch"].index(case.kind), case.name),
}


@pytest.mark.parametrize("order", ORDERS)
def test_the_gallery_sorts_by_keyboard_as_python_does(tab, written, report, order):
    tab.open(written)
    tab.run("document.querySelector('input[name=order]:checked').focus()")
    tab.press("ArrowRight", times=["high", "low", "name", "kind"].index(order) + 1)
    assert tab.run("document.querySelector('input[name=order]:checked').value") == order
    assert tab.run(NAMES) == [case.name for case in sorted(report.cases, key=ORDERS[order])]


@pytest.mark.parametrize("place", [200, 900])
def test_the_worst_error_is_that_of_the_threshold_at_hand(tab, written, report, place):
    tab.open(written)
    move_slider(tab, place)
    threshold = threshold_shown(tab)
    expected = [case.name for case in worst_first(judged(report, threshold), threshold)]
    assert tab.run(NAMES) == expected


def test_errors_only_shows_the_errors_and_follows_the_threshold(tab, written, report):
    tab.open(written)
    tab.click("#errors-only")
    assert tab.run(NAMES) == [c.name for c in worst_first(report.cases, 0.5) if c.wrong]
    move_slider(tab, 900)
    cases = judged(report, threshold_shown(tab))
    assert set(tab.run(NAMES)) == {case.name for case in cases if case.wrong}


def test_one_kind_can_be_shown_alone_and_nothing_is_said_to_be_nothing(tab, written, report):
    tab.open(written)
    tab.run(
        "(() => { const kind = document.getElementById('kind'); kind.value = '1';"
        "kind.dispatchEvent(new Event('change')) })()"
    )
    assert set(tab.run(NAMES)) == {c.name for c in report.cases if c.kind == "missing_label"}
    move_slider(tab, 0)
    tab.click("#errors-only")
    assert tab.run(NAMES) == []
    assert tab.run("document.getElementById('nothing').checkVisibility()")


def test_enter_enlarges_arrows_go_on_and_escape_closes(tab, written, report):
    tab.open(written)
    names = [case.name for case in worst_first(report.cases, 0.5)]
    tab.run("document.querySelector('figure .pair').focus()")
    assert tab.run(FOCUSED) == names[0]
    tab.press("Tab")
    assert tab.run(FOCUSED) == names[1]
    tab.press("Enter")
    assert tab.run("document.getElementById('large').open")
    assert text(tab, "#large b") == names[1]
    tab.press("ArrowRight")
    tab.press("ArrowRight")
    tab.press("ArrowLeft")
    assert text(tab, "#large b") == names[2]
    width = tab.run("document.querySelector('#large svg').getBoundingClientRect().width")
    assert width > tab.run("document.querySelector('figure svg').getBoundingClientRect().width")
    tab.press("Escape")
    tab.settle()
    assert not tab.run("document.getElementById('large').open")
    assert tab.run(FOCUSED) == names[2]


def test_a_click_enlarges_and_a_click_beside_closes(tab, written):
    tab.open(written)
    tab.click("figure:nth-child(3) .pair")
    assert tab.run("document.getElementById('large').open")
    tab.drag((3, 3))
    assert not tab.run("document.getElementById('large').open")


def test_both_views_of_an_image_are_drawn_and_the_second_is_hot(tab, written, tmp_path):
    cv2 = pytest.importorskip("cv2")
    tab.open(written)
    tab.run("document.querySelector('figure.wrong').scrollIntoView()")
    tab.settle()
    boxes = tab.run(
        "[...document.querySelector('figure.wrong .pair').children].map((each) => {"
        "const box = each.getBoundingClientRect();"
        "return [box.x, box.y, box.width, box.height] })"
    )
    shot = cv2.imdecode(np.frombuffer(tab.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    pixels = []
    for x, y, width, height in boxes:
        at = math.floor(y + height * 15 / 40), math.floor(x + width * 15 / 60)
        pixels.append(shot[at].astype(int))
    assert np.abs(pixels[0] - 90).max() < 6
    assert np.abs(pixels[1] - pixels[0]).max() > 60
