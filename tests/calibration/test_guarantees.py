"""What is promised of false alarms, by simulation: over 1,000 draws of good images.

Held out: the scores of good images that nothing was learned from. Left out: distances to a
Gaussian, each of an image to what all the others came to, as N-pad's; what runs on the line knows
all images, so a new part is a little nearer than one that was left out.
"""

import functools

import numpy as np
import pytest

from slsg_edge.calibration.operating_points import AcquiredScore, choose_threshold
from slsg_edge.calibration.threshold import images_needed, shown_rate, threshold_from_scores

DRAWS = 1000
DIRECTIONS = 3
FRESH = 400  # parts of each draw
COUNTS = (12, 30, 100, 300)


def rates(count):
    """That so many images can show."""
    return sorted({shown_rate(count), *(r for r in (0.01, 0.05) if images_needed(r) <= count)})


CASES = [(count, rate) for count in COUNTS for rate in rates(count)]


def mean_and_error(shares):
    return np.mean(shares), np.std(shares) / np.sqrt(len(shares))


@pytest.mark.parametrize(("count", "rate"), CASES)
def test_scores_held_out_keep_the_rate_in_the_mean(count, rate):
    scores = np.random.default_rng(count).random((DRAWS, count))
    # what lies above a threshold is the rate of uniform scores
    mean, error = mean_and_error([1 - threshold_from_scores(some, rate).value for some in scores])
    assert rate - 1 / (count + 1) - 3 * error <= mean <= rate + 3 * error


def squares(x, centre, covariance):
    """Mahalanobis' (draws, n) of x (draws, n, D)."""
    off = x - centre[:, None]
    return (off @ np.linalg.inv(covariance) * off).sum(-1)


def fitted(x):
    """Mean and covariance of each draw (draws, n, D)."""
    centre = x.mean(1)
    off = x - centre[:, None]
    return centre, off.transpose(0, 2, 1) @ off / x.shape[1]


def left_out(inside, count):
    """Squares to what the others came to, from those to what all did: by Sherman and Morrison."""
    grown = count / (count - 1)
    return grown * inside / (1 - inside / (count - 1)) * (1 - 1 / count) * grown


def as_scores(distances):
    """From 0 to 1, in the same order."""
    return np.sqrt(distances) / (1 + np.sqrt(distances))


@functools.cache
def drawn(count):
    """Squares of the good images of each draw (DRAWS, count), and of its new parts."""
    random = np.random.default_rng(count)
    x = random.normal(size=(DRAWS, count, DIRECTIONS))
    fit = fitted(x)
    fresh = random.normal(size=(DRAWS, FRESH, DIRECTIONS))
    return squares(x, *fit), as_scores(squares(fresh, *fit))


def test_taking_out_is_fitting_anew():
    x = np.random.default_rng(0).normal(size=(1, 15, DIRECTIONS))
    found = left_out(squares(x, *fitted(x)), 15)[0]
    for image in range(15):
        rest = fitted(np.delete(x, image, 1))
        assert found[image] == pytest.approx(squares(x[:, image : image + 1], *rest)[0, 0])


@pytest.mark.parametrize(("count", "rate"), CASES)
def test_scores_left_out_come_close_to_the_rate_and_those_of_the_fit_do_not(count, rate):
    inside, fresh = drawn(count)

    def exceedance(distances):
        found = [threshold_from_scores(some, rate).value for some in as_scores(distances)]
        return mean_and_error((fresh > np.array(found)[:, None]).mean(1))

    (mean, error), (fooled, _) = exceedance(left_out(inside, count)), exceedance(inside)
    # what runs knows a part more, so that a threshold is no lower than it must be
    assert 0.6 * rate - 1 / (count + 1) < mean <= rate + 3 * error < 2 * rate
    assert fooled > mean + 3 * error
    if count <= 100:  # beyond, three directions are next to nothing
        assert fooled > 1.2 * rate + 3 * error


@pytest.mark.parametrize("count", COUNTS)
def test_choosing_by_simulated_anomalies_keeps_the_rate_that_is_chosen(count):
    random = np.random.default_rng(count)
    excess = []
    for scores in random.random((300, count)):
        anomalies = {"texture, small": random.uniform(0.9, 1, 20)}
        found = choose_threshold([AcquiredScore(score) for score in scores], anomalies)
        excess.append(1 - found.value - found.false_alarm_rate)
    mean, error = mean_and_error(excess)
    assert mean <= 3 * error
