"""What leads a report: counts, word and next step; and what it says of the threshold."""

import re
from dataclasses import replace

import numpy as np
import pytest
from opened_report import errors, judged, move_slider, text, threshold_shown

from slsg_edge.evaluation.next_step import Step
from slsg_edge.metrics.axis import axis_of
from slsg_edge.reports.evaluation_page import evaluation_html
from slsg_edge.reports.layers import picture_of
from slsg_edge.scoring import Threshold

STEP = Step("Allow more <false> alarms", "slsg-edge calibrate fuse.slsg --false-alarms 0.05")
JUDGED_BY = Threshold(
    0.5, "tail", 0.001, (0.3, 0.9999999), good_scores=tuple(0.1 + 0.01 * n for n in range(15))
)


@pytest.fixture
def led(report):
    return replace(report, step=STEP, judged_by=JUDGED_BY)


@pytest.fixture
def opened(tab, led, tmp_path):
    path = tmp_path / "led.html"
    path.write_text(evaluation_html(led), encoding="utf-8")
    tab.open(path)
    return tab


def contrast(tab, selector):
    """Of a text on the nearest background there is, as WCAG 2.2 defines it."""
    colours = tab.run(
        f"(() => {{ let at = document.querySelector({selector!r}); const style = getComputedStyle;"
        "const found = [style(at).color]; while (style(at).backgroundColor.endsWith(', 0)'))"
        "at = at.parentElement; return [...found, style(at).backgroundColor] })()"
    )
    channels = [np.array(re.findall(r"[\d.]+", colour)[:3], float) / 255 for colour in colours]
    linear = [
        np.where(each <= 0.04045, each / 12.92, ((each + 0.055) / 1.055) ** 2.4)
        for each in channels
    ]
    low, high = sorted(float(each @ [0.2126, 0.7152, 0.0722]) for each in linear)
    return (high + 0.05) / (low + 0.05)


def test_the_sentence_with_both_counts_comes_before_everything_else(opened, led):
    judgement = led.judgement
    assert text(opened, ".sentence") == judgement.sentence
    assert text(opened, ".word") == f"{judgement.state}: {judgement.reason}."
    assert text(opened, ".next") == f"next: {STEP}"
    tops = opened.run(
        "['h1', '.judgement', '.short', '.scores', '.after .tradeoff', '.figures']"
        ".map((each) => document.querySelector(each).getBoundingClientRect().top)"
    )
    assert tops == sorted(tops)
    sizes = opened.run(
        "['.count b', '.figures dd', '.reading b']"
        ".map((each) => parseFloat(getComputedStyle(document.querySelector(each)).fontSize))"
    )
    assert sizes[0] > 1.4 * max(sizes[1:])


def test_on_a_phone_the_counts_and_the_next_step_need_no_scrolling(opened):
    opened.look(390, 844, phone=True)
    assert opened.run("document.querySelector('.next').getBoundingClientRect().bottom") < 844
    assert opened.run("document.documentElement.scrollWidth") == 390


def test_each_row_of_the_trade_off_can_be_looked_at(opened, led):
    rows = [row for row in led.judgement.tradeoff if not row.own]
    assert len(rows) > 2
    for row in rows:
        opened.click(f'[data-threshold="{row.threshold!r}"]')
        assert text(opened, "#alarms") == str(row.rejected)
        assert text(opened, "#misses") == str(row.missed)
        assert threshold_shown(opened) == pytest.approx(row.threshold, abs=1e-4)


def test_the_bundles_own_row_is_marked(led):
    own = next(row for row in led.judgement.tradeoff if row.own)
    both = re.findall(r'<tr class="own">(.*?)</tr>', evaluation_html(led))
    assert len(both) == 2  # on the first sheet of paper, and beside the slider
    for marked in both:
        assert f"{own.rejected} of 14" in marked
        assert f"{own.missed} of 17" in marked
        assert "the bundle's" in marked


def test_the_interval_of_the_threshold_is_a_band_in_the_histogram(opened, led):
    scores = [case.score for case in led.cases if case.score is not None]
    axis = axis_of([*scores, led.threshold])
    band, left, width = opened.run(
        "['.plot .band', '.plot'].flatMap((each) => { const box ="
        "document.querySelector(each).getBoundingClientRect(); return [box.x, box.width] })"
        ".filter((_, index) => index !== 1)"
    )
    assert band == pytest.approx(left + width * axis.place(0.3), abs=1.5)
    right = opened.run("document.querySelector('.plot .band').getBoundingClientRect().right")
    assert right == pytest.approx(left + width, abs=1.5)  # the end of the axis


def test_the_threshold_says_how_many_images_it_is_from_and_warns(led):
    html = evaluation_html(led)
    assert "set from 15 good images for 1 false alarm in 1000" in html
    assert "Warning:</b> The interval of the threshold reaches 1" in html
    sure = replace(led, judged_by=Threshold(0.5, "conformal", 0.1, (0.49, 0.51), (0.1, 0.5)))
    assert "Warning" not in evaluation_html(sure)


def test_the_histogram_names_its_axes(opened):
    titles = opened.run("[...document.querySelectorAll('.axis-title')].map((e) => e.textContent)")
    assert titles == ["share of the images", "anomaly score, 0 to 1 (logit scale)"]


@pytest.mark.parametrize("span", [(0.3, 0.7), (0.08, 0.1), (0.95, 0.951), (1e-9, 1), (0.9, 0.99)])
def test_an_axis_has_at_least_four_ticks_however_narrow_it_is(span):
    axis = axis_of(span)
    places = [axis.place(score) for score in axis.ticks()]
    assert len(places) >= 4
    assert places == sorted(places)
    assert np.diff(places).min() >= 0.13


def test_no_error_is_not_in_the_colour_of_an_alarm(opened):
    colour = "getComputedStyle(document.querySelector({!r})).color"
    calm = opened.run(colour.format("#kept"))
    move_slider(opened, 0)
    assert text(opened, "#misses") == "0"
    assert opened.run(colour.format("#misses")) == calm
    assert opened.run(colour.format("#alarms")) != calm


def test_a_count_of_zero_is_calm_in_the_sentence_too(led):
    cases = [case for case in led.cases if not (case.wrong and case.truth == "good")]
    html = evaluation_html(replace(led, cases=cases))
    assert re.search(r'<span class="count none"><b>0 of \d+</b> <span>good parts rejected', html)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_wrong_can_be_read(opened, scheme):
    opened.look(1280, scheme=scheme)
    opened.run(
        "document.querySelector('.judgement').insertAdjacentHTML('beforeend',"
        "'<span class=\"severity error\">error</span>')"
    )
    for selector in (".severity.error", ".mistake", "#misses", ".count b", ".count small"):
        assert contrast(opened, selector) >= 4.5


def test_the_line_of_the_threshold_stays_where_colours_are_forced(opened):
    features = [{"name": "forced-colors", "value": "active"}]
    opened.call("Emulation.setEmulatedMedia", features=features)
    width, line, ground = opened.run(
        "(() => { const style = getComputedStyle(document.querySelector('.cut'));"
        "return [style.borderLeftWidth, style.borderLeftColor,"
        "getComputedStyle(document.body).backgroundColor] })()"
    )
    assert width == "2px"
    assert line != ground


@pytest.mark.parametrize("place", [200, 900])
def test_each_error_is_called_by_its_name_wherever_the_threshold_is(opened, led, place):
    move_slider(opened, place)
    shown = opened.run(
        "Object.fromEntries([...document.querySelectorAll('figure')].map((each) =>"
        "[each.querySelector('b').textContent, each.querySelector('.mistake').textContent]))"
    )
    cases = judged(led, threshold_shown(opened))
    assert shown == {case.name: case.mistake for case in cases}
    assert errors(cases, "good") == [*shown.values()].count("false alarm")


def test_photo_and_map_are_named(opened):
    names = "[...document.querySelectorAll('figure .pair')[0].querySelectorAll('small')]"
    assert opened.run(f"{names}.map((each) => each.textContent)") == ["photo", "anomaly map"]


def test_a_map_can_be_stretched_to_its_own_scale(tab, led, tmp_path):
    heat = np.full((40, 60), 0.01, np.float32)
    heat[10:20, 10:20] = 0.02  # hardly anything on a scale to 1
    picture = picture_of(np.full((40, 60, 3), 90, np.uint8), heat, stretched=True)
    assert picture_of(np.zeros((4, 4, 3), np.uint8), heat[:4, :4]).own_heat is None
    cases = [replace(case, picture=picture) for case in led.cases[:3]]
    path = tmp_path / "stretched.html"
    path.write_text(evaluation_html(replace(led, cases=cases)), encoding="utf-8")
    tab.open(path)
    shown = "['.one-scale', '.own-scale'].map((each) => getComputedStyle("
    shown += "document.querySelector(`.cases ${each}`)).display !== 'none')"
    assert tab.run(shown) == [True, False]
    tab.click("#stretch")
    assert tab.run(shown) == [False, True]
    tab.click("#stretch")
    assert tab.run(shown) == [True, False]


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1440, 900), (390, 844)])
@pytest.mark.parametrize("shape", [(40, 40), (40, 160)])
def test_an_enlarged_pair_is_whole(tab, led, tmp_path, width, height, shape):
    picture = picture_of(np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.float32))
    path = tmp_path / "pair.html"
    cases = [replace(led.cases[0], picture=picture)]
    path.write_text(evaluation_html(replace(led, cases=cases)), encoding="utf-8")
    tab.look(width, height)
    tab.open(path)
    tab.click("figure .pair")
    dialog, *views = tab.run(
        "['#large', ...document.querySelectorAll('#large .pair svg')].map((each) => {"
        "const box = (each.style ? each : document.querySelector(each)).getBoundingClientRect();"
        "return [box.left, box.top, box.right, box.bottom] })"
    )
    for left, top, right, bottom in views:
        assert dialog[0] <= left
        assert right <= dialog[2] + 0.5
        assert dialog[1] <= top
        assert bottom <= min(dialog[3], height) + 0.5
    (_, _, right, bottom), (left, top, _, _) = views
    assert right <= left or bottom <= top
