"""Streaming histograms, and where each method clips."""

import numpy as np
import pytest

from slsg_edge.calibration.ranges import METHODS, Histogram, clipping_value, drift
from slsg_edge.errors import DatasetError


def _histogram(*pieces):
    histogram = Histogram()
    for piece in pieces:
        histogram.add(np.asarray(piece, np.float32))
    return histogram


def _normal(count=200_000, seed=0):
    return np.random.default_rng(seed).normal(size=count)


def test_every_value_is_counted_once_however_far_the_range_grows():
    histogram = _histogram([0.5, -1], [0, 3], [100], [-0.25, 1e6])
    assert histogram.counts.sum() == 7
    assert histogram.largest == 1e6


def test_pieces_give_what_one_array_gives_to_a_bin():
    values = _normal()
    together = _histogram(values)
    apart = _histogram(*np.array_split(values, 7))
    for method in METHODS:
        assert clipping_value(apart, method) == pytest.approx(
            clipping_value(together, method), rel=0.03
        )


def test_max_is_the_largest_absolute_value():
    assert clipping_value(_histogram([1, -7, 3]), "max") == 7


def test_percentile_leaves_the_stated_share_outside():
    values = _normal()
    clip = clipping_value(_histogram(values), "percentile")
    assert (np.abs(values) > clip).mean() == pytest.approx(1e-4, abs=3e-5)


@pytest.mark.parametrize("method", ["mse", "entropy", "percentile"])
def test_a_lone_outlier_does_not_set_the_scale(method):
    values = np.append(np.abs(_normal()), 100)
    assert clipping_value(_histogram(values), method) < 50


def test_mse_clips_where_the_squared_error_is_least():
    values = _normal().astype(np.float32)

    def error(clip):
        scale = clip / 127
        return ((np.clip(np.round(values / scale), -127, 127) * scale - values) ** 2).mean()

    found = clipping_value(_histogram(values), "mse")
    others = np.linspace(0.3, 1, 50) * np.abs(values).max()
    assert error(found) <= min(error(other) for other in others) * 1.01


def test_entropy_keeps_a_distribution_that_needs_all_of_its_range():
    values = np.random.default_rng(0).uniform(0, 1, 200_000)
    assert clipping_value(_histogram(values), "entropy") > 0.9


def test_zeros_behind_a_relu_do_not_shrink_the_range():
    values = np.maximum(_normal(), 0)
    assert clipping_value(_histogram(values), "entropy") > 2


@pytest.mark.parametrize("method", METHODS)
def test_a_tensor_of_zeros_has_a_scale_above_zero(method):
    assert clipping_value(_histogram(np.zeros(10)), method) > 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused_with_its_place(bad):
    with pytest.raises(DatasetError, match=r"NaN or infinity in relu of a\.png"):
        Histogram().add(np.array([1, bad], np.float32), "relu of a.png")


def test_drift_is_the_median_change_of_the_mean():
    known = {name: _histogram([1.0]) for name in "abc"}
    new = {"a": _histogram([1.0]), "b": _histogram([1.1]), "c": _histogram([9.0])}
    assert drift(new, known) == pytest.approx(0.1, rel=1e-5)
    assert drift(new, {"a": _histogram([0.0])}) == 0
