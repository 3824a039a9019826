"""Which thresholds good scores show, what each finds, and which one is taken."""

import itertools

import numpy as np
import pytest

from slsg_edge.calibration.operating_points import (
    ENOUGH,
    LADDER,
    ODD,
    AcquiredScore,
    by_kind_and_size,
    choose_threshold,
    chosen_of,
    found_share,
    operating_points,
    threshold_at,
    weakness,
    with_undecided_band,
)
from slsg_edge.calibration.threshold import threshold_from_scores
from slsg_edge.contracts import SimulatedScore
from slsg_edge.errors import ConfigError, DatasetError


def expit(logits):
    return 1 / (1 + np.exp(-np.asarray(logits)))


def good(count, seed=0, level=-4.0, acquisition=""):
    logits = np.random.default_rng(seed).normal(level, 1, count)
    return [AcquiredScore(float(score), acquisition) for score in expit(logits)]


def simulated(level, count=20):
    """Of one kind in three sizes, around this logit."""
    random = np.random.default_rng(9)
    return {
        f"texture, {size}": expit(random.normal(level, 0.5, count))
        for size in ("small", "medium", "large")
    }


@pytest.mark.parametrize(
    ("count", "rates"),
    [(8, [0.112]), (18, [0.053]), (19, LADDER[4:]), (49, LADDER[3:]), (99, LADDER[2:]),
     (298, LADDER[2:]), (299, LADDER[1:]), (999, LADDER)],
)  # fmt: skip
def test_the_ladder_has_the_rates_that_so_many_images_show_and_no_extrapolation(count, rates):
    points = operating_points(good(count), {})
    assert [point.false_alarm_rate for point in points] == list(rates)
    for point in points:
        assert threshold_at(good(count), point.false_alarm_rate).method == "conformal"


def test_the_strictest_rate_that_finds_nearly_all_is_taken():
    scores = good(3999)
    loose = threshold_at(scores, 0.05).value
    strict = threshold_at(scores, 0.001).value
    assert choose_threshold(scores, simulated(9)).value == strict
    between = {"texture, small": [loose + 0.6 * (strict - loose)] * 9 + [1.0]}
    found = choose_threshold(scores, between)
    assert loose <= found.value < between["texture, small"][0]
    assert chosen_of(found).found >= ENOUGH
    stricter = [p for p in found.points if p.false_alarm_rate < found.false_alarm_rate]
    assert stricter
    assert all(point.found < ENOUGH for point in stricter)


@pytest.mark.parametrize("count", [79, 198, 199, 399, 1199, 3999])
def test_no_three_good_scores_decide(count):
    """A few defects among the good images do not let every other one pass."""
    scores = good(count)
    spoilt = [*scores[:-ODD], *[AcquiredScore(0.999)] * ODD]
    assert choose_threshold(spoilt, simulated(9)).value < 0.9
    one = choose_threshold([*good(38), AcquiredScore(0.999)], simulated(9))
    assert one.value < 0.9
    few = choose_threshold([*good(37), AcquiredScore(0.999)], simulated(9))
    assert few.value == 0.999  # fewer show no rate otherwise


def test_where_no_rate_finds_enough_the_loosest_of_the_ladder_is_taken():
    found = choose_threshold(good(999), simulated(-6))
    assert found.false_alarm_rate == 0.05
    assert found.chosen_by == "simulated anomalies"
    assert "weak" in weakness(found)


def test_without_simulated_anomalies_the_strictest_is_taken():
    found = choose_threshold(good(399), {})
    assert (found.false_alarm_rate, found.chosen_by) == (0.01, "rate")
    assert weakness(found) is None


@pytest.mark.parametrize("rate", [*LADDER, 0.001, 0.03, 0.1, 0.2])
def test_a_rate_that_is_asked_for_is_the_chosen_point(rate):
    found = choose_threshold(good(400), simulated(-5), rate)
    point = chosen_of(found)
    assert [each.chosen for each in found.points].count(True) == 1
    assert (point.false_alarm_rate, point.threshold) == (rate, found.value)
    rates = [each.false_alarm_rate for each in found.points]
    assert rates == sorted(set(rates))
    assert found.chosen_by == "rate"


def test_a_weak_threshold_says_so_whoever_asked_for_its_rate():
    assert "weak" in weakness(choose_threshold(good(400), simulated(-5), 0.05))


def test_the_way_out_of_a_weak_threshold_is_one():
    scores, anomalies = good(400), simulated(-2)
    weak = choose_threshold(scores, anomalies, 0.001)
    told = weakness(weak)
    rate = float(told.split("`--false-alarms ")[1].split("`")[0])
    assert chosen_of(choose_threshold(scores, anomalies, rate)).found >= 0.5


def test_each_kind_and_size_counts_alike_but_for_a_few():
    many = {"texture, small": [0.9] * 100, "fractal, large": [0.1] * 10, "texture, large": [0.1]}
    assert found_share(many, 0.5) == 0.5
    assert found_share({"texture, small": [0.9, 0.1]}, 0.5) == 0.5
    assert found_share({}, 0.5) is None
    assert found_share({"texture, small": []}, 0.5) is None


def test_the_share_found_falls_as_the_rate_gets_stricter():
    points = operating_points(good(1200), simulated(-1))
    shares = [point.found for point in points]
    assert shares == sorted(shares)
    assert [p.threshold for p in points] == sorted((p.threshold for p in points), reverse=True)


@pytest.mark.parametrize("score", [float("nan"), -0.1, 1.5])
def test_a_simulated_score_that_is_none_is_an_error(score):
    scores = [SimulatedScore("texture", 0.01, 0.5), SimulatedScore("texture", 0.01, score)]
    with pytest.raises(DatasetError, match="1 of 2 scores"):
        by_kind_and_size(scores)


class TestAcquisitions:
    """Several days, lots or lights."""

    def test_the_rate_holds_in_each_that_can_show_it(self):
        scores = [*good(400, acquisition="monday"), *good(150, 1, -1.0, "tuesday")]
        for rate in (0.01, 0.02, 0.05):
            found = threshold_at(scores, rate)
            for name in ("monday", "tuesday"):
                own = [each.score for each in scores if each.acquisition == name]
                assert found.value >= threshold_from_scores(own, rate).value

    @pytest.mark.parametrize("count", [19, 20, 30, 60])
    @pytest.mark.parametrize("others", [60, 400, 1500])
    def test_a_stricter_rate_never_has_a_lower_threshold(self, count, others):
        scores = [*good(others, acquisition="monday"), *good(count, 1, 0.0, "tuesday")]
        thresholds = [threshold_at(scores, rate).value for rate in LADDER]
        assert thresholds == sorted(thresholds, reverse=True)

    @pytest.mark.parametrize("asked", [None, 0.1, 0.03])
    def test_the_undecided_band_ends_at_the_threshold(self, asked):
        for count in (9, 12, 20):
            scores = [*good(880, acquisition="monday"), *good(count, 1, 0.0, "tuesday")]
            found = with_undecided_band(choose_threshold(scores, {}, asked))
            assert found.undecided_above <= found.value
            assert chosen_of(found).threshold == found.value

    def test_one_acquisition_is_none(self):
        assert threshold_at(good(30, acquisition="monday"), 0.05).acquisitions == {}

    def test_the_scores_of_each_are_kept(self):
        scores = [*good(30, acquisition="monday"), *good(3, 1, acquisition="tuesday")]
        found = threshold_at(scores, 0.05)
        assert {name: len(some) for name, some in found.acquisitions.items()} == {
            "monday": 30,
            "tuesday": 3,
        }
        merged = sorted(itertools.chain(*found.acquisitions.values()))
        assert tuple(merged) == found.good_scores

    def test_three_images_of_a_day_move_no_threshold_beyond_what_all_show(self):
        alone = threshold_at(good(60), 0.05)
        few = [*good(60), *good(3, 1, 2.0, "tuesday")]
        pooled = threshold_from_scores([each.score for each in few], 0.05)
        assert threshold_at(few, 0.05).value == pooled.value > alone.value


class TestUndecidedBand:
    """Between the strictest and the loosest threshold."""

    def test_it_is_between_the_strictest_and_the_loosest_that_are_shown(self):
        scores = good(400)
        found = with_undecided_band(choose_threshold(scores, simulated(-2)))
        assert found.value == threshold_at(scores, LADDER[1]).value
        assert found.undecided_above == threshold_at(scores, 0.05).value
        assert chosen_of(found).false_alarm_rate == found.false_alarm_rate == LADDER[1]

    def test_an_extrapolated_rate_is_no_end_of_it(self):
        found = with_undecided_band(choose_threshold(good(60), {}, 0.001))
        assert (found.method, found.false_alarm_rate) == ("conformal", 0.02)

    def test_images_that_show_one_rate_have_none(self):
        with pytest.raises(ConfigError, match=r"30 good images show one.*at least 49"):
            with_undecided_band(choose_threshold(good(30), {}))


class TestBadScores:
    """What must not become a threshold that looks sound."""

    @pytest.mark.parametrize("count", [0, 1, 7])
    def test_too_few(self, count):
        with pytest.raises(DatasetError, match="too few"):
            choose_threshold(good(count), {})

    def test_no_number(self):
        with pytest.raises(DatasetError, match="1 of 20 scores"):
            choose_threshold([*good(19), AcquiredScore(float("nan"))], {})

    @pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
    @pytest.mark.parametrize("count", [8, 20, 120])
    def test_all_equal_scores_give_a_threshold_that_rejects_none_of_them_below_one(
        self, value, count
    ):
        found = choose_threshold([AcquiredScore(value)] * count, simulated(0))
        assert found.value < 1
        assert value == 1 or found.value >= value
        assert chosen_of(found).threshold == found.value

    def test_ties_at_zero_are_not_rejected(self):
        scores = [AcquiredScore(0.0)] * 110 + good(10)
        found = choose_threshold(scores, simulated(0))
        assert sum(each.score > found.value for each in scores) <= 0.05 * 121
