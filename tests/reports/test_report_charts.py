"""Histogram, ROC curve and table of figures."""

import re

import numpy as np
import pytest
from sklearn.metrics import auc, roc_curve

from slsg_edge.metrics.axis import Axis, axis_of, score_text
from slsg_edge.metrics.intervals import Figure
from slsg_edge.reports.figures import figure_tiles, full_table, kind_table
from slsg_edge.reports.histogram import histogram
from slsg_edge.reports.roc import roc_chart, roc_points
from slsg_edge.scoring import logit


@pytest.mark.parametrize(
    ("score", "text"),
    [
        *((0, "0"), (1, "1"), (0.5, "0.5000"), (0.969, "0.9690"), (0.99712, "0.9971")),
        *((0.00012, "0.00012"), (0.999995, "0.9999950"), (1e-12, "0.00000000")),
    ],
)
def test_a_score_has_the_decimals_that_tell_it_from_its_neighbours(score, text):
    assert score_text(score) == text


def test_an_axis_holds_what_it_was_made_for_and_its_labels_have_room():
    scores = (1e-9, 0.2, 0.5, 1.0)
    axis = axis_of(scores)
    places = [axis.place(score) for score in scores]
    assert places == sorted(places)
    assert 0 < places[0] < places[-1] < 1
    ticks = [axis.place(score) for score in axis.ticks()]
    assert np.diff(ticks).min() >= 0.13
    assert len(ticks) >= 4


def test_one_score_alone_still_has_an_axis_of_some_width():
    axis = axis_of([0.3])
    assert axis.high - axis.low == pytest.approx(2)
    assert axis.place(0.3) == pytest.approx(0.5)


def test_bars_stand_where_their_scores_are_upwards_for_the_good():
    axis = Axis(logit(0.001), logit(0.999))
    chart = histogram([0.012, 0.012, 0.4], [0.99], axis)
    good, anomalous = re.findall(r'<g class="\w+">(.*?)</g>', chart)
    bars = re.findall(r'x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', good)
    (left, top, width, height), (_, _, _, half) = [[float(each) for each in bar] for bar in bars]
    assert left <= 100 * axis.place(0.012) <= left + width
    assert top + height == pytest.approx(50, abs=0.02)
    assert height == pytest.approx(2 * half, abs=0.02)
    assert 'y="50.00"' in anomalous
    assert re.findall(r'class="count \w+" .*?>(\d)<', chart) == ["2", "1"]


def test_the_roc_curve_is_that_of_scikit_learn():
    rng = np.random.default_rng(3)
    good, anomalous = rng.normal(0, 1, 60).round(1), rng.normal(1, 1, 40).round(1)
    labels = np.repeat([0, 1], [60, 40])
    expected = roc_curve(labels, np.concatenate([good, anomalous]), drop_intermediate=False)
    found = np.array(roc_points(good.tolist(), anomalous.tolist()))
    every = set(zip(*(rates.round(9).tolist() for rates in expected[:2]), strict=True))
    assert {tuple(point) for point in found.round(9).tolist()} <= every
    assert len(found) < len(every)
    assert auc(found[:, 0], found[:, 1]) == pytest.approx(auc(expected[0], expected[1]))


def test_the_operating_point_counts_scores_above_the_threshold():
    chart = roc_chart([0.1, 0.2, 0.5, 0.6], [0.5, 0.7], 0.5)
    assert 'id="operating" d="M0.2500 0.5000h0"' in chart


FIGURE = Figure(0.95, 0.9, 0.99)


def test_a_figure_stands_with_its_interval_and_what_is_not_known_is_left_out():
    tiles = figure_tiles({"image_auroc": FIGURE, "aupro": None})
    assert "0.9500" in tiles
    assert "0.900 to 0.990" in tiles
    assert "--low:90.0%;--value:95.0%;--high:99.0%" in tiles
    assert "AUPRO" not in tiles


def test_there_is_a_row_for_each_kind_and_a_column_for_what_one_of_them_has():
    table = kind_table(
        {"image_auroc": FIGURE, "pixel_auroc": FIGURE, "spro_0.05": None},
        {"a_b": {"image_auroc": FIGURE, "pixel_auroc": FIGURE}, "c": {"image_auroc": FIGURE}},
    )
    bare = re.sub(r"<details.*?</details>", "", table)
    assert re.findall(r"<th>(.*?)</th>", bare) == [
        *("kind", "image AUROC", "pixel AUROC", "all kinds", "a b", "c")
    ]
    assert table.count("not known") == 1


def test_one_kind_needs_no_row_over_all():
    assert "all kinds" not in kind_table({"f1_max": FIGURE}, {"hole": {"f1_max": FIGURE}})


def test_a_range_of_no_width_is_explained():
    sure = Figure(1.0, 1.0, 1.0)
    assert "no width" in kind_table({"image_auroc": sure}, {})
    assert "no width" not in kind_table({"image_auroc": FIGURE}, {})


def test_every_metric_known_has_a_row():
    assert full_table({"image_auroc": FIGURE, "f1_max": FIGURE, "aupro": None}).count("<tr>") == 2
    assert full_table({}) == ""
