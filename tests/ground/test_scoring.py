import math

import numpy as np
import pytest
from scipy import stats

from slsg_edge.contracts import Prediction
from slsg_edge.errors import ConfigError
from slsg_edge.scoring import Tail, Threshold, expit, extrapolated_p_value, judge, logit, p_value

MAP = np.zeros((2, 2), np.float32)
TAIL = Tail(location=-2.0, scale=0.5, shape=0.2, rate=0.25)
SCORES = (0.01, 0.05, 0.05, 0.3)


def outcome(score, value=0.5):
    return judge(Prediction(MAP, score), Threshold(value, "manual")).outcome


def test_a_score_at_the_threshold_is_good_and_above_it_anomalous():
    assert outcome(0.5) == "good"
    assert outcome(math.nextafter(0.5, 1)) == "anomalous"
    assert outcome(0.0, value=0.0) == "good"
    assert outcome(1.0, value=1 - 1e-6) == "anomalous"


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, -0.1, 1.1])
def test_what_is_no_score_is_undecided_with_a_reason(score):
    verdict = judge(Prediction(MAP, score), Threshold(0.5, "manual"))
    assert verdict.outcome == "undecided"
    assert str(score) in verdict.detail


@pytest.mark.parametrize("value", [math.nan, math.inf, 1.0, 5.0, -0.1])
def test_a_threshold_that_lets_everything_pass_cannot_be_made(value):
    with pytest.raises(ConfigError, match="not between 0 and 1"):
        Threshold(value, "manual")


def test_the_p_value_counts_good_scores_at_least_as_high():
    threshold = Threshold(0.5, "conformal", good_scores=SCORES)
    assert [p_value(score, threshold) for score in (0, 0.05, 0.051, 0.3, 0.31)] == [
        1,
        0.8,
        0.4,
        0.4,
        0.2,
    ]
    assert p_value(0.3, Threshold(0.5, "manual")) is None


def test_beyond_the_largest_good_score_the_tail_is_an_extrapolation_and_called_so():
    threshold = Threshold(0.5, "tail", good_scores=SCORES, tail=TAIL)
    assert p_value(0.9, threshold) == 0.2
    assert extrapolated_p_value(0.9, threshold) == TAIL.exceedance(0.9) < 0.2
    assert p_value(0.3, threshold) == 0.4
    assert extrapolated_p_value(0.3, threshold) is None


def test_a_tail_that_ends_says_nothing_beyond_its_end():
    ended = Threshold(0.5, "tail", good_scores=SCORES, tail=Tail(-2.0, 0.5, -0.5, 0.25))
    assert extrapolated_p_value(0.99, ended) is None  # and not 0: that is never known
    assert p_value(0.99, ended) == 0.2


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.4])
def test_the_tail_is_the_generalised_pareto_of_scipy(shape):
    tail = Tail(location=-2.0, scale=0.5, shape=shape, rate=0.25)
    for score in (0.13, 0.2, 0.3, 0.6, 0.9):
        expected = 0.25 * stats.genpareto.sf(logit(score), shape, loc=-2.0, scale=0.5)
        assert tail.exceedance(score) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 1e-10, 0.4])
def test_quantile_and_exceedance_are_inverse(shape):
    tail = Tail(location=-2.0, scale=0.5, shape=shape, rate=0.25)
    for probability in (0.25, 0.1, 0.001):
        assert tail.exceedance(tail.quantile(probability)) == pytest.approx(probability, rel=1e-5)


def test_logit_and_expit_are_inverse_and_finite_at_the_ends():
    for score in (1e-6, 0.2, 0.5, 0.999999):
        assert expit(logit(score)) == pytest.approx(score, rel=1e-12)
    assert -20 < logit(0) < -16 < 16 < logit(1) < 20
    assert expit(-800) == 0
    assert expit(800) == 1
    assert expit(-40) == pytest.approx(math.exp(-40))
