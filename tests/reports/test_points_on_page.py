"""What a page says of the threshold's worth: simulated anomalies, operating points, the band."""

import re
from dataclasses import replace

import pytest
from opened_report import move_slider, text, threshold_shown

from slsg_edge.calibration.operating_points import (
    AcquiredScore,
    choose_threshold,
    found_share,
    with_undecided_band,
)
from slsg_edge.reports.evaluation_page import evaluation_html
from slsg_edge.reports.threshold import PointOnPage

GOOD = tuple(AcquiredScore((index / 401) ** 8) for index in range(1, 401))
SIMULATED = {
    "structure, small": tuple(0.4 + 0.02 * index for index in range(30)),
    "texture, large": tuple(0.5 + 0.01 * index for index in range(50)),
    "fractal, large": (0.9, 0.91),  # too few to count
}


def judged(report, threshold):
    """The page's cases by this threshold, and its operating points."""

    def outcome(case):
        if case.score is None:
            return "undecided"
        if case.score > threshold.value:
            return "anomalous"
        lower = threshold.undecided_above
        return "undecided" if lower is not None and case.score > lower else "good"

    points = [
        PointOnPage(point, f"slsg-edge calibrate fuse.slsg --false-alarms {point.false_alarm_rate}")
        for point in threshold.points
    ]
    cases = [replace(case, outcome=outcome(case)) for case in report.cases]
    return replace(
        report, cases=cases, threshold=threshold.value, judged_by=threshold, points=points
    )


@pytest.fixture
def chosen(report):
    return judged(report, choose_threshold(GOOD, SIMULATED))


@pytest.fixture
def banded(report):
    return judged(report, with_undecided_band(choose_threshold(GOOD, SIMULATED)))


@pytest.fixture
def opened(tab, tmp_path):
    def open_report(report):
        path = tmp_path / "points.html"
        path.write_text(evaluation_html(report), encoding="utf-8")
        tab.open(path)
        return tab

    return open_report


@pytest.mark.parametrize("place", [100, 400, 520, 900])
def test_the_share_of_simulated_anomalies_follows_the_slider(opened, chosen, place):
    tab = opened(chosen)
    share = found_share(SIMULATED, chosen.threshold)
    assert text(tab, "#found") == f"{share:.1%}"
    move_slider(tab, place)
    assert text(tab, "#found") == f"{found_share(SIMULATED, threshold_shown(tab)):.1%}"


def test_each_operating_point_is_a_mark_and_a_button_with_its_command(opened, chosen):
    tab = opened(chosen)
    assert len(chosen.points) == 4
    left, width = tab.run(
        "(() => { const plot = document.querySelector('.plot').getBoundingClientRect();"
        "return [plot.x, plot.width] })()"
    )
    marks = tab.run(
        "[...document.querySelectorAll('.stops i')].map((mark) =>"
        "{ const box = mark.getBoundingClientRect(); return box.x + box.width / 2 })"
    )
    for each, mark in zip(chosen.points, marks, strict=True):
        tab.click(f'.points [data-threshold="{each.point.threshold!r}"]')
        assert threshold_shown(tab) == pytest.approx(each.point.threshold, abs=1e-4)
        assert text(tab, "#found") == f"{each.point.found:.1%}"
        cut = tab.run("document.querySelector('.cut').getBoundingClientRect().x + 1")
        assert cut == pytest.approx(mark, abs=1.5)
        assert left <= mark <= left + width
        if each.point.chosen:
            assert "the threshold of the bundle" in text(tab, "#take-over")
        else:
            assert text(tab, "#take-over code") == each.command
    move_slider(tab, 3)
    assert "--threshold" in text(tab, "#take-over code")


def test_the_bundles_own_point_is_named(chosen):
    html = evaluation_html(chosen)
    (own,) = re.findall(r"<button[^>]*>([^<]*\(the bundle[^<]*)</button>", html)
    point = next(each.point for each in chosen.points if each.point.chosen)
    assert own.startswith(f"1 in {1 / point.false_alarm_rate:.0f} (")
    assert f"{point.found:.0%} found" in own


def test_at_rest_the_script_would_write_what_python_wrote(opened, chosen, banded):
    content = "document.getElementById('report').textContent"
    for report in (chosen, banded):
        tab = opened(report)
        before = tab.run(content)
        tab.run("show(data.threshold)")
        assert tab.run(content) == before


def test_scores_in_the_band_are_undecided_until_the_slider_moves(opened, banded):
    lower, value = banded.judged_by.undecided_above, banded.threshold
    between = [case for case in banded.cases if case.score and lower < case.score <= value]
    assert between
    tab = opened(banded)
    shown = "document.querySelector('.verdicts tfoot [data-outcome=undecided]').textContent"
    assert tab.run(shown) == str(len(between) + 1)  # and one that was not inspected
    assert text(tab, ".undecided-count").endswith(
        f"{len(between)} of them between the two thresholds."
    )
    assert "no score" not in text(tab, f"figure[data-case='{_place(tab, between[0])}'] .score")
    move_slider(tab, 999)
    assert tab.run(shown) == "1"
    tab.click("[data-preset=bundle]")
    assert tab.run(shown) == str(len(between) + 1)


def _place(tab, case):
    return tab.run(
        "[...document.querySelectorAll('figure')].find((each) =>"
        f"each.querySelector('b').textContent === {case.name!r}).dataset.case"
    )


def test_a_weak_threshold_is_warned_of(report):
    weak = choose_threshold(GOOD, {"structure, small": (0.1,) * 20})
    assert "This threshold is weak: 100% of the simulated" in evaluation_html(judged(report, weak))


def test_a_threshold_without_points_has_no_buttons_and_no_share(report, chosen):
    old = replace(chosen.judged_by, points=(), simulated={})
    html = evaluation_html(judged(report, old))
    assert 'id="found"' not in html
    assert 'class="controls points' not in html


def test_on_a_phone_nothing_is_wider_than_the_window(opened, chosen):
    tab = opened(chosen)
    tab.look(390, 844, phone=True)
    assert tab.run("document.documentElement.scrollWidth") == 390
