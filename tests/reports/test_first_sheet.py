"""What somebody who decides sees first: three pictures, misses by kind, what was tested."""

import re
from dataclasses import replace

import numpy as np
import pytest
from opened_report import make_case

from slsg_edge.reports.case import worst_first
from slsg_edge.reports.evaluation_page import evaluation_html
from slsg_edge.reports.highlights import clearest_finds, highlights_of
from slsg_edge.reports.hot_box import hot_box
from slsg_edge.reports.layers import picture_of


def chosen(*cases):
    return {each.title: each.case.name for each in highlights_of(worst_first(cases, 0.5))}


def test_the_three_pictures_are_the_worst_of_each_kind_and_the_clearest_find():
    found = chosen(
        make_case("g0", score=0.2),
        make_case("g1", score=0.9),
        make_case("g2", score=0.7),
        make_case("d0", "hole", 0.05),
        make_case("d1", "hole", 0.3),
        make_case("d2", "hole", 0.8),
        make_case("d3", "hole", 0.99),
    )
    assert found == {
        "The worst miss": "d0",
        "The worst false alarm": "g1",
        "The clearest find": "d3",
    }


def test_without_errors_what_comes_closest_is_shown():
    found = chosen(
        make_case("g0", score=0.2),
        make_case("g1", score=0.4),
        make_case("d0", "hole", 0.6),
        make_case("d1", "hole", 0.9),
    )
    assert found == {
        "Closest to being missed": "d0",
        "Closest to a false alarm": "g1",
        "The clearest find": "d1",
    }


def test_a_find_whose_map_is_hot_all_over_is_not_the_clearest():
    wide = np.zeros((40, 60), np.float32)
    wide[:, :25] = 1
    vague = picture_of(np.zeros((40, 60, 3), np.uint8), wide)
    cases = make_case("d0", "hole", 0.8), replace(make_case("d1", "hole", 0.9), picture=vague)
    assert chosen(*cases)["The clearest find"] == "d0"


def test_what_has_no_picture_is_not_chosen():
    bare = replace(make_case("d0", "hole", 0.05), picture=None)
    assert chosen(bare, make_case("d1", "hole", 0.3))["The worst miss"] == "d1"
    assert chosen(bare) == {}


def test_the_clearest_finds_have_the_highest_scores():
    cases = [make_case(f"d{score}", "hole", score) for score in (0.6, 0.9, 0.2, 0.7)]
    assert [case.score for case in clearest_finds(cases, 2)] == [0.9, 0.7]


def test_the_box_is_around_the_hottest_spot_only():
    heat = np.full((40, 60), 0.1, np.float32)
    heat[5:9, 20:31] = 0.9
    heat[30:35, 50:55] = 0.8
    assert hot_box(heat) == (20, 5, 11, 4)


def test_there_is_no_box_where_nothing_stands_out_or_the_defect_is_elsewhere():
    heat = np.full((40, 60), 0.1, np.float32)
    assert hot_box(heat) is None
    heat[5:9, 20:31] = 0.9
    elsewhere = np.zeros((40, 60), bool)
    elsewhere[30:35, 50:55] = True
    assert hot_box(heat, elsewhere) is None
    elsewhere[8, 30] = True
    assert hot_box(heat, elsewhere) == (20, 5, 11, 4)


def test_misses_by_kind_are_bars_the_worst_kind_first(report):
    html = evaluation_html(report)
    bars = re.search(r'<table class="kind-bars">(.*?)</table>', html)[1]
    shares = [float(share) for share in re.findall(r"width:([\d.]+)%", bars)]
    assert len(shares) == 2
    assert shares == sorted(shares, reverse=True)
    kind, part = report.judgement.kinds[0]
    first = bars.partition("</tr>")[0]
    assert kind.replace("_", " ") in first
    assert f">{part}<" in first


@pytest.mark.parametrize("name", ["product", "date", "photos", "machine", "speed"])
def test_what_was_tested_stands_on_the_page(report, name):
    html = evaluation_html(replace(report, tested={name: "this and that"}))
    assert f"<dt>{name}</dt><dd>this and that</dd>" in html
    assert "What was tested" not in evaluation_html(report)
