import numpy as np
import pytest

from slsg_edge.calibration.threshold import (
    advice,
    images_needed,
    shown_rate,
    threshold_by_hand,
    threshold_from_scores,
)
from slsg_edge.contracts import Prediction
from slsg_edge.errors import ConfigError, DatasetError
from slsg_edge.scoring import extrapolated_p_value, judge, logit, p_value


def scores_of(count, seed=0):
    return 1 / (1 + np.exp(-np.random.default_rng(seed).normal(-5, 1, count)))


@pytest.mark.parametrize(
    ("rate", "needed"), [(0.001, 999), (0.01, 99), (0.05, 19), (0.03, 33), (0.1, 9), (1e-5, 99999)]
)
def test_images_needed_is_where_the_order_statistic_begins_to_exist(rate, needed):
    assert images_needed(rate) == needed


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.03])
def test_the_conformal_threshold_begins_exactly_there_with_the_largest_score(rate):
    scores = scores_of(images_needed(rate))
    assert threshold_from_scores(scores, rate).method == "conformal"
    assert threshold_from_scores(scores, rate).value == scores.max()
    assert threshold_from_scores(scores[1:], rate).method == "tail"


@pytest.mark.parametrize("count", [19, 25, 40, 99])
def test_the_conformal_rate_holds_in_the_mean(count):
    random = np.random.default_rng(count)
    # for uniform scores the rate of a threshold is what lies above it
    rates = [1 - threshold_from_scores(random.random(count), 0.05).value for _ in range(1500)]
    error = 4 * np.std(rates) / np.sqrt(len(rates))
    assert 0.05 - 1 / (count + 1) - error < np.mean(rates) < 0.05 + error


@pytest.mark.parametrize("level", [-5, -9, -13])
def test_scores_near_zero_have_as_ordinary_a_tail_as_others(level):
    # the mean of a whole map of a good image, as FractalAD's
    logits = np.random.default_rng(0).normal(level, 0.3, 40)
    found = threshold_from_scores(1 / (1 + np.exp(-logits)), 0.001)
    assert found.method == "tail"
    assert level + 2 * 0.3 < logit(found.value) < level + 6 * 0.3


@pytest.mark.parametrize("count", [99, 300])
def test_the_conformal_interval_holds_the_true_quantile(count):
    random = np.random.default_rng(count)
    intervals = [threshold_from_scores(random.random(count), 0.05).interval for _ in range(500)]
    assert sum(low <= 0.95 <= high for low, high in intervals) >= 0.88 * 500
    assert all(high - low < 0.25 for low, high in intervals)


def test_an_interval_without_a_score_above_reaches_to_one():
    assert threshold_from_scores(scores_of(999)).interval[1] == 1
    assert threshold_from_scores(scores_of(5000), 0.001).interval[1] < 1


def test_few_images_give_a_tail_with_an_interval_and_advice():
    threshold = threshold_from_scores(scores_of(30))
    low, high = threshold.interval
    assert threshold.method == "tail"
    assert scores_of(30).max() <= threshold.value < 1
    assert low <= threshold.value <= high < 1
    assert "999 would settle it (969 more)" in advice(threshold)
    assert "--false-alarms 0.033" in advice(threshold)


@pytest.mark.parametrize("count", [8, 30, 99, 335])
def test_the_rate_that_is_advised_needs_no_more_images(count):
    assert images_needed(shown_rate(count)) <= count


def test_the_same_scores_in_any_order_give_the_same_threshold():
    scores = scores_of(30)
    assert threshold_from_scores(scores) == threshold_from_scores(scores[::-1])


def test_enough_images_and_a_threshold_by_hand_need_no_advice():
    assert advice(threshold_from_scores(scores_of(999))) is None
    assert advice(threshold_by_hand(0.4)) is None


def test_equal_scores_give_a_threshold_and_say_that_something_is_wrong():
    threshold = threshold_from_scores([0.0] * 20)
    assert 0 < threshold.value < 0.01
    assert "same score" in advice(threshold)


@pytest.mark.parametrize("count", [10, 30, 99, 150])
def test_what_is_above_the_threshold_has_a_p_value_of_at_most_the_rate(count):
    for rate in (0.01, 0.05, 0.2):
        threshold = threshold_from_scores(scores_of(count, seed=count), rate)
        for score in np.linspace(0, 1, 300):
            verdict = judge(Prediction(np.zeros((1, 1), np.float32), float(score)), threshold)
            if verdict.outcome == "anomalous":
                likely = extrapolated_p_value(verdict.score, threshold) or verdict.p_value
                assert likely <= max(rate, 0 if threshold.tail is None else 1 / count) * (1 + 1e-6)


@pytest.mark.parametrize("count", [10, 30, 999])
def test_p_values_fall_as_scores_rise(count):
    threshold = threshold_from_scores(scores_of(count))
    values = [p_value(score, threshold) for score in np.linspace(0, 1, 500)]
    assert values == sorted(values, reverse=True)
    assert values[0] == 1


def test_by_hand_keeps_the_scores_for_p_values():
    threshold = threshold_by_hand(0.4, [0.3, 0.1])
    assert (threshold.value, threshold.method) == (0.4, "manual")
    assert p_value(0.35, threshold) == pytest.approx(1 / 3)
    assert p_value(0.35, threshold_by_hand(0.4)) is None


def test_too_few_images_is_an_error_that_says_how_many():
    with pytest.raises(DatasetError, match=r"7 good images are too few.* 8\. .*999 settle"):
        threshold_from_scores(scores_of(7))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1, 1.5])
def test_a_score_that_is_none_is_an_error(bad):
    with pytest.raises(DatasetError, match="1 of 21 scores"):
        threshold_from_scores([*scores_of(20), bad])


@pytest.mark.parametrize("value", [0, 1, -1, 2, float("nan")])
def test_a_threshold_or_rate_outside_0_to_1_is_an_error(value):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        threshold_by_hand(value)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        threshold_from_scores(scores_of(20), value)
