import numpy as np
import pytest
from scipy import stats

from slsg_edge.calibration.tail import fit, interval, tail_of, threshold_value, zhang_stephens
from slsg_edge.scoring import expit, logit

LOGITS = {
    "normal": stats.norm(-6, 1),
    "logistic": stats.logistic(-6, 0.6),
    "gumbel": stats.gumbel_r(-6, 1),
    "exponential": stats.expon(-8, 1),
}


@pytest.mark.parametrize("shape", [-0.4, -0.1, 0.0, 0.2, 0.5])
def test_zhang_stephens_finds_the_parameters_of_a_generalised_pareto(shape):
    draws = stats.genpareto(shape, scale=0.7).rvs(4000, random_state=1)
    found = zhang_stephens(np.sort(draws))
    assert found == pytest.approx((shape, 0.7), abs=0.06)


def test_zhang_stephens_is_about_as_likely_as_the_maximum_of_the_likelihood():
    draws = np.sort(stats.genpareto(0.2, scale=1).rvs(200, random_state=2))
    shape, scale = zhang_stephens(draws)
    best = stats.genpareto.fit(draws, floc=0)
    difference = stats.genpareto.logpdf(draws, *best) - stats.genpareto.logpdf(
        draws, shape, 0, scale
    )
    assert 0 <= difference.sum() < 0.5


def test_a_few_excesses_give_a_shape_drawn_to_the_exponential():
    draws = np.sort(stats.genpareto(0.8, scale=1).rvs(10, random_state=3))
    assert fit(draws)[0] == pytest.approx(zhang_stephens(draws)[0] / 2)


@pytest.mark.parametrize("name", LOGITS)
@pytest.mark.parametrize(("count", "factor"), [(30, 7), (100, 4), (335, 2)])
def test_the_expected_false_alarms_stay_within_a_factor(name, count, factor):
    random = np.random.default_rng(4)
    rates = []
    for _ in range(200):
        logits = LOGITS[name].rvs(count, random_state=random)
        value = threshold_value(tail_of(logits), logits, 0.001)
        rates.append(LOGITS[name].sf(logit(value)))
    assert 0.0003 < np.mean(rates) < factor * 0.001


@pytest.mark.parametrize("name", LOGITS)
def test_the_interval_holds_the_true_threshold_mostly(name):
    random = np.random.default_rng(5)
    true = expit(LOGITS[name].isf(0.001))
    held = 0
    for seed in range(30):
        logits = LOGITS[name].rvs(100, random_state=random)
        low, high = interval(logits, tail_of(logits), 0.001, seed, replicates=60)
        held += low <= true <= high
    assert held >= 23


@pytest.mark.parametrize("logits", [[-4.0] * 20, [-4.0] * 19 + [-2.0], [-16.0, -4.0] * 10])
def test_equal_logits_have_a_tail_too(logits):
    tail = tail_of(np.array(logits))
    value = threshold_value(tail, np.array(logits), 0.001)
    assert expit(max(logits)) < value < 1
    assert tail.exceedance(value) == pytest.approx(0.001, rel=1e-3)


def test_the_threshold_is_below_one_even_for_a_wild_tail():
    logits = np.array([-8.0, -8, -7, -7, -6, -5, 0, 15.9])
    assert threshold_value(tail_of(logits), logits, 1e-6) < 1
