"""The report in a real browser: from a file, without a network, by mouse, by keys, on paper."""

import math
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from slsg_edge.reports.axis import axis_of
from slsg_edge.reports.case import worst_first
from slsg_edge.reports.evaluation_page import report_html
from slsg_edge.scoring import expit

STEPS = 1000
SHOWN = "[...document.querySelectorAll('figure')].filter((each) => !each.hidden)"
NAMES = f"{SHOWN}.map((each) => each.querySelector('b').textContent)"
FOCUSED = "document.activeElement.closest('figure')?.querySelector('b').textContent"


def move_slider(tab, place):
    """As a hand does: it moves, then lets go."""
    tab.run(
        f"(() => {{ const slider = document.getElementById('slider'); slider.value = {place};"
        "slider.dispatchEvent(new Event('input')); slider.dispatchEvent(new Event('change')) })()"
    )


def text(tab, selector):
    return tab.run(f"document.querySelector({selector!r}).textContent")


def threshold_shown(tab):
    return float(text(tab, "#threshold"))


def judged(report, threshold):
    """The same images under another threshold."""

    def outcome(case):
        if case.score is None:
            return "undecided"
        return "anomalous" if case.score > threshold else "good"

    return [replace(case, outcome=outcome(case)) for case in report.cases]


def errors(cases, truth):
    return sum(case.wrong and case.truth == truth for case in cases)


@pytest.mark.parametrize("place", [0, 180, 333, 500, 777, 1000])
def test_the_slider_shows_what_python_counts_at_that_threshold(tab, written, report, place):
    tab.open(written)
    move_slider(tab, place)
    threshold = threshold_shown(tab)
    axis = axis_of([*(case.score for case in report.cases if case.score is not None), 0.5])
    if place != tab.run("Number(firstPlace)"):
        exact = expit(axis.low + (axis.high - axis.low) * place / STEPS)
        assert threshold == pytest.approx(exact, abs=5e-5)
    cases = judged(report, threshold)
    good = [case for case in cases if case.truth == "good"]
    alarms, misses = errors(cases, "good"), errors(cases, "anomalous")
    assert text(tab, "#alarms") == str(alarms)
    assert text(tab, "#misses") == str(misses)
    assert text(tab, "#kept") == str(len(good) - alarms)
    assert text(tab, "#alarms-of") == f"of 14, {alarms / 14:.1%}"
    assert text(tab, "#errors") == str(alarms + misses)


@pytest.mark.parametrize("place", [250, 650])
def test_verdict_table_badges_and_operating_point_follow_the_slider(tab, written, report, place):
    tab.open(written)
    move_slider(tab, place)
    cases = judged(report, threshold_shown(tab))
    counted = [
        [
            sum(case.kind == kind and case.outcome == outcome for case in cases)
            for outcome in ("good", "anomalous", "undecided")
        ]
        for kind in ("good", "missing_label", "scratch")
    ]
    cells = "[...row.querySelectorAll('[data-outcome]')].map((each) => Number(each.textContent))"
    rows = "[...document.querySelectorAll('.verdicts tbody tr')]"
    assert tab.run(f"{rows}.map((row) => {cells})") == counted
    (foot,) = tab.run(f"[...document.querySelectorAll('.verdicts tfoot tr')].map((row) => {cells})")
    assert foot == np.sum(counted, axis=0).tolist()
    badges = tab.run(
        f"Object.fromEntries({SHOWN}.map((each) => [each.querySelector('b').textContent,"
        "[each.querySelector('.badge').textContent, each.classList.contains('wrong')]]))"
    )
    assert badges == {case.name: [case.outcome, case.wrong] for case in cases}
    x, y = map(float, re.findall(r"[\d.]+", tab.run("byId('operating').getAttribute('d')"))[:2])
    assert x == pytest.approx(counted[0][1] / 14)
    assert y == pytest.approx((counted[1][1] + counted[2][1]) / 17)  # all but the undecided one


def test_at_rest_the_script_would_write_what_python_wrote(tab, written):
    tab.open(written)
    content = "document.getElementById('report').textContent"
    before = tab.run(content)
    tab.run("show(data.threshold)")
    assert tab.run(content) == before
    move_slider(tab, 800)
    assert tab.run(content) != before
    tab.click("[data-preset=bundle]")
    assert tab.run(content) == before


def test_the_line_in_the_histogram_stands_over_the_thumb(tab, written):
    tab.open(written)
    for place in (100, 500, 900):
        move_slider(tab, place)
        cut, left, width = tab.run(
            "(() => { const plot = document.querySelector('.plot').getBoundingClientRect();"
            "const cut = document.querySelector('.cut').getBoundingClientRect();"
            "return [cut.x + cut.width / 2, plot.x, plot.width] })()"
        )
        assert cut == pytest.approx(left + width * place / STEPS, abs=1.5)


def test_arrow_keys_move_the_threshold(tab, written):
    tab.open(written)
    before = threshold_shown(tab)
    tab.run("document.getElementById('slider').focus()")
    tab.press("ArrowRight", times=40)
    assert threshold_shown(tab) > before
    spoken = tab.run("document.getElementById('slider').getAttribute('aria-valuetext')")
    assert spoken.startswith(text(tab, "#threshold"))
    tab.press("ArrowLeft", times=40)
    assert threshold_shown(tab) == before


def test_dragging_in_the_histogram_moves_the_threshold(tab, written):
    tab.open(written)
    x, y, width = tab.run(
        "(() => { const box = document.querySelector('.plot').getBoundingClientRect();"
        "return [box.x, box.y + 20, box.width] })()"
    )
    tab.drag((x + 0.2 * width, y), (x + 0.75 * width, y))
    assert tab.run("Number(document.getElementById('slider').value)") == pytest.approx(750, abs=2)


def test_the_jumps_miss_nothing_and_raise_no_false_alarm(tab, written, report):
    tab.open(written)
    tab.click("[data-preset=no-miss]")
    lowest = threshold_shown(tab)
    assert text(tab, "#misses") == "0"
    tab.click("[data-preset=no-alarm]")
    highest = threshold_shown(tab)
    assert text(tab, "#alarms") == "0"
    good = [case.score for case in report.cases if case.kind == "good"]
    bad = [case.score for case in report.cases if case.kind != "good" and case.score is not None]
    # no threshold between this one and the first miss would keep fewer good images
    assert not [score for score in (*good, *bad) if lowest < score < min(bad)]
    assert not [score for score in (*good, *bad) if max(good) < score < highest]
    command = text(tab, "#take-over code")
    assert command == f"slsg-edge calibrate fuse.slsg --threshold {highest:g}"


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


@pytest.mark.parametrize("width", [360, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_down_only(tab, written, width, scheme):
    tab.look(width, 844, scheme, phone=True)
    tab.open(written)
    assert tab.run("document.documentElement.scrollWidth") == width
    too_wide = (
        "[...document.querySelectorAll('main *')].filter((each) => !each.closest('svg, dialog') &&"
        "each.getBoundingClientRect().right > innerWidth + 1)"
        ".map((each) => each.outerHTML.slice(0, 90))"
    )
    assert tab.run(too_wide) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_jumps_when_the_threshold_moves(tab, written, width):
    tab.look(width, 844, phone=width < 500)
    tab.open(written)
    tops = "[...document.querySelectorAll('section, .after, .cases')].map((each) => each.offsetTop)"
    before = tab.run(tops)[:-1]  # below the images, nothing is in sight when the slider is
    for place in (0, 420, 1000):
        move_slider(tab, place)
        assert tab.run(tops)[:-1] == before


def test_without_a_script_everything_static_is_there_and_no_control(tab, written):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.open(written)
    tab.call("Emulation.setScriptExecutionDisabled", value=False)
    assert not tab.run(
        "[...document.querySelectorAll('input, select, [data-preset]')]"
        ".some((each) => each.checkVisibility())"
    )
    assert threshold_shown(tab) == 0.5
    assert len(tab.run(NAMES)) == 32


def test_paper_has_the_bundles_threshold_whatever_the_slider_says(tab, written, report, tmp_path):
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext on this machine: apt install poppler-utils")
    tab.open(written)
    move_slider(tab, 850)
    moved = text(tab, "#threshold")
    path = tmp_path / "report.pdf"
    path.write_bytes(tab.pdf())
    words = subprocess.run(
        ["pdftotext", "-layout", path, "-"], check=True, capture_output=True, text=True
    ).stdout
    assert "0.5000 of the bundle" in words
    assert "Every metric" in words
    assert "good kept, 10% missed" in words
    assert "Miss nothing" not in words
    for case in report.cases:
        assert case.name in words
    assert text(tab, "#threshold") == moved


def test_no_image_and_no_caption_is_cut_by_the_end_of_a_sheet(tab, written):
    tab.open(written)
    tab.call("Emulation.setEmulatedMedia", media="print")
    style = "getComputedStyle(document.querySelector({!r})).breakInside"
    assert tab.run(style.format("figure")) == "avoid"
    assert tab.run(style.format("section.scores")) == "avoid"
    assert tab.run("getComputedStyle(document.querySelector('figure')).contentVisibility") == (
        "visible"
    )


def test_a_report_without_good_images_still_works(tab, report, tmp_path):
    path = tmp_path / "report.html"
    cases = [case for case in report.cases if case.kind != "good"]
    path.write_text(report_html(replace(report, cases=cases, figures={}, kinds={})))
    tab.open(path)
    move_slider(tab, 900)
    assert text(tab, "#alarms-of") == "of 0"
    assert int(text(tab, "#misses")) > 0
    assert not tab.run("document.querySelector('[data-preset=no-alarm]')")


def test_a_report_without_any_image_has_no_error(tab, report, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(report_html(replace(report, cases=[], figures={}, kinds={})))
    tab.open(path)
    move_slider(tab, 900)
    assert text(tab, "#alarms") == "0"
