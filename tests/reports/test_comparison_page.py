"""The report on two detectors: what it says, and how it stands in a real browser."""

from dataclasses import replace

import numpy as np
import pytest

from slsg_edge.evaluation.contest import Contest, Line
from slsg_edge.evaluation.verdicts import Part, judgement_of
from slsg_edge.metrics.differences import Change
from slsg_edge.metrics.intervals import Figure
from slsg_edge.reports.case import Case
from slsg_edge.reports.comparison_page import (
    ComparisonReport,
    VerdictChange,
    comparison_html,
    difference_text,
)
from slsg_edge.reports.layers import picture_of

LONG = "structural_anomalies/" + "a_long_name_" * 6 + ".png"


def case(outcome, score, hot):
    image = np.full((60, 40, 3), 90, np.uint8)
    heat = np.zeros((60, 40), np.float32)
    heat[hot] = 1
    return Case(LONG, "hole", outcome, score, picture_of(image, heat, heat > 0))


@pytest.fixture
def compared():
    first, second = case("anomalous", 0.8, slice(0, 20)), case("good", 0.2, slice(40, 60))
    undecided = replace(second, outcome="undecided", score=None, reason="it is <empty>")
    return ComparisonReport(
        "b against a",
        ("a onnxruntime-fp32", "b openvino-int8"),
        (0.5, 0.3),
        "2 of 9 test images change verdict.",
        {
            "image AUROC": Change(0.9, 0.8, Figure(-0.1, -0.2, -0.05)),
            "misses": Change(0.1, 0.1, Figure(0.0, -0.1, 0.1)),
        },
        (
            VerdictChange(first, second, "wrong now"),
            VerdictChange(first, undecided, "undecided now"),
        ),
        count=7,
        latency=(("a onnxruntime-fp32", "20.0", "22.0", "1.00"), ("b", "5.0", "6.0", "4.00")),
        notes=("an <odd> note",),
        provenance={"a": {"model": "x" * 200}, "b": {"model": "y"}},
    )


LINES = (
    Line("defects missed", Part(20, 20), Part(0, 20), "better", sure=True),
    Line("good parts rejected", Part(0, 48), Part(4, 48), "worse", sure=False),
)


@pytest.fixture
def led(compared):
    judgement = judgement_of([*(pair.first for pair in compared.changed)], 0.5)
    contest = Contest(judgement, judgement, LINES, "Take b: <fewer> defects missed.")
    return replace(compared, contest=contest, warnings=("They are <not> one product.",))


def test_the_verdicts_and_the_recommendation_come_first(led):
    html = comparison_html(led)
    places = [
        html.index(text)
        for text in (
            *("They are &lt;not&gt; one product", "Take b: &lt;fewer&gt;", "<b>20 of 20</b>"),
            *("100 %, 83 to 100 %", "<b>0 of 20</b>", '<td class="mark better">better</td>'),
            "worse, but chance alone may explain it",
            *("test images change verdict", "<h2>Differences"),
        )
    ]
    assert places == sorted(places)


def test_maps_say_whose_they_are_and_errors_have_their_name(led):
    html = comparison_html(led)
    assert html.count("<small>photo</small>") == 2
    assert html.count("<small>anomaly map, a onnxruntime-fp32</small>") == 2
    assert html.count("<small>anomaly map, b openvino-int8</small>") == 2
    assert '<span class="mistake">missed</span>' in html


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_verdicts_fit_the_screen(tab, led, tmp_path, width):
    path = tmp_path / "led.html"
    path.write_text(comparison_html(led), encoding="utf-8")
    tab.look(width, 844, phone=width < 500)
    tab.open(path)
    assert tab.run("document.documentElement.scrollWidth") == width
    assert tab.run("document.querySelector('.recommendation').getBoundingClientRect().top") < 400


def test_a_difference_is_signed_and_nothing_is_no_minus_nothing():
    text = difference_text(Change(0.5, 0.5, Figure(-1e-9, -0.25, 0.125)))
    assert text == "0.0000 (-0.2500 to +0.1250)"


def test_only_a_difference_that_is_sure_is_bold(compared):
    html = comparison_html(compared)
    assert "<b>-0.1000 (-0.2000 to -0.0500)</b>" in html
    assert "<b>0.0000" not in html
    assert "--low:0.0%;--value:25.0%;--high:37.5%" in html


def test_what_comes_from_outside_is_escaped_and_what_is_left_out_is_said(compared):
    html = comparison_html(compared)
    for text in ("an &lt;odd&gt; note", "it is &lt;empty&gt;", "The first 2 of 7 are shown"):
        assert text in html
    assert "script-src 'none'" in html


def test_without_figures_and_changes_it_is_still_a_page(compared):
    html = comparison_html(replace(compared, changes={}, changed=(), count=0, latency=()))
    assert "No figure" in html
    assert '<p class="note">None.</p>' in html
    assert "Latency" not in html


@pytest.mark.parametrize("width", [360, 1280])
def test_each_image_stands_in_three_views_and_a_phone_scrolls_down_only(
    tab, compared, tmp_path, width
):
    path = tmp_path / "compared.html"
    path.write_text(comparison_html(compared), encoding="utf-8")
    tab.look(width, 844, phone=width < 500)
    tab.open(path)
    tops = tab.run(
        "[...document.querySelector('.pair').children]"
        ".map((each) => Math.round(each.getBoundingClientRect().top))"
    )
    assert len(tops) == 3
    assert len(set(tops)) == 1  # side by side
    assert tab.run("document.documentElement.scrollWidth") == width
    marks = tab.run(
        "[...document.querySelectorAll('figure')[0].querySelectorAll('.side')]"
        ".map((each) => each.style.getPropertyValue('--cut'))"
    )
    assert len(set(marks)) == 2  # each threshold is its own


def test_each_figure_that_differs_is_explained_and_a_long_print_says_what_it_leaves_out(compared):
    html = comparison_html(compared)
    assert html.count('<details class="help"') == len(compared.changes)
    assert "are printed" not in html
    many = replace(compared, changed=[*compared.changed] * 13, count=13 * len(compared.changed))
    assert "The first 12 are printed." in comparison_html(many)
