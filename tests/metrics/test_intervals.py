import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from slsg_edge.metrics.intervals import (
    Bootstrap,
    delong,
    delong_figure,
    exact_share,
    percentile_figure,
)


def scores_of(seed, good=40, defective=30, shift=1.0):
    rng = np.random.default_rng(seed)
    labels = np.repeat([False, True], [good, defective])
    return rng.normal(shift * labels, 1), labels


def test_equal_seeds_draw_equal_images_and_others_do_not():
    strata = ["good"] * 5 + ["hole"] * 5
    first, again = (np.concatenate(list(Bootstrap(strata, 250).draws())) for _ in range(2))
    other = np.concatenate(list(Bootstrap(strata, 250, seed=1).draws()))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert first.shape == (250, 10)


def test_every_replicate_has_as_many_of_each_kind_as_there_are():
    strata = ["good", "hole", "good", "crack", "hole", "good"]
    for draws in Bootstrap(strata, 50).draws():
        assert (draws[:, [0, 2, 5]].sum(axis=1) == 3).all()
        assert (draws[:, [1, 4]].sum(axis=1) == 2).all()
        assert (draws[:, 3] == 1).all()


def test_a_percentile_interval_leaves_out_replicates_without_a_value():
    figure = percentile_figure(0.5, np.array([np.nan, *np.linspace(0.3, 0.7, 101)]))
    assert (figure.low, figure.high) == pytest.approx((0.31, 0.69))


@pytest.mark.parametrize("levels", [None, 2])
def test_delong_has_the_variance_that_its_paper_defines(levels):
    scores, labels = scores_of(0)
    if levels:
        scores = np.round(scores * levels) / levels
    good, defective = scores[~labels], scores[labels]
    wins = (defective[:, None] > good) + 0.5 * (defective[:, None] == good)
    expected = wins.mean(axis=1).var(ddof=1) / 30 + wins.mean(axis=0).var(ddof=1) / 40
    areas, covariance = delong(scores, labels)
    assert areas[0] == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert covariance[0, 0] == pytest.approx(expected, rel=1e-9)


def test_two_detectors_on_the_same_images_are_correlated():
    scores, labels = scores_of(1)
    similar = scores + np.random.default_rng(2).normal(0, 0.1, len(scores))
    _, covariance = delong(np.stack([scores, similar]), labels)
    difference = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert 0 < difference < 0.1 * covariance[0, 0]


def test_the_delong_interval_covers_the_truth_as_often_as_it_says():
    truth = 0.7602499389065233  # of two normals one deviation apart: Phi(1 / sqrt(2))
    figures = [delong_figure(*scores_of(seed)) for seed in range(400)]
    covered = np.mean([figure.low <= truth <= figure.high for figure in figures])
    assert 0.91 <= covered <= 0.98


def test_perfect_separation_is_no_certainty():
    few = delong_figure([0.1, 0.2, 0.3, 0.8, 0.9], [False, False, False, True, True])
    scores, labels = scores_of(0, shift=100)
    many = delong_figure(scores, labels)
    assert few.value == many.value == few.high == many.high == 1
    assert few.low < many.low < 1
    assert few.low < 0.6
    assert many.low > 0.9


def test_a_single_class_or_a_score_that_is_no_number_is_an_error():
    with pytest.raises(ValueError, match="0 defective"):
        delong([0.1, 0.2], [False, False])
    with pytest.raises(ValueError, match="not finite"):
        delong([0.1, np.nan], [False, True])


@pytest.mark.parametrize(
    ("count", "total"), [(95, 133), (0, 48), (48, 48), (1, 1), (0, 1), (3, 2000), (1999, 2000)]
)
def test_the_interval_of_a_count_is_that_of_clopper_and_pearson(count, total):
    beta = pytest.importorskip("scipy.stats").beta
    figure = exact_share(count, total)
    low = beta.ppf(0.025, count, total - count + 1) if count else 0
    high = beta.ppf(0.975, count + 1, total - count) if count < total else 1
    assert figure.value == count / total
    assert (figure.low, figure.high) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize(("count", "total"), [(0, 0), (2, 1), (-1, 3)])
def test_there_is_no_share_of_nothing(count, total):
    with pytest.raises(ValueError, match="is no share"):
        exact_share(count, total)
