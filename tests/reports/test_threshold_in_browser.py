"""The threshold of a report in a real browser: slider, histogram, keys, and what follows them."""

import re

import numpy as np
import pytest
from opened_report import SHOWN, STEPS, errors, judged, move_slider, text, threshold_shown

from slsg_edge.metrics.axis import axis_of
from slsg_edge.scoring import expit


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
    tab.run("document.querySelector('.plot').scrollIntoView()")
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
