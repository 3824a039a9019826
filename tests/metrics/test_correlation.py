import numpy as np
import pytest

from slsg_edge.metrics.correlation import rank_correlation


def test_order_alone_counts():
    scores = np.array([0.1, 0.2, 0.5, 0.9])
    assert rank_correlation(scores, scores**3 / 7) == pytest.approx(1)
    assert rank_correlation(scores, -scores) == pytest.approx(-1)


def test_two_neighbours_of_eight_that_swap():
    assert rank_correlation(range(8), [1, 0, 2, 3, 4, 5, 6, 7]) == pytest.approx(1 - 12 / 504)


def test_ties_share_their_mean_rank():
    first, second = [0.1, 0.1, 0.5, 0.2, 0.5], [0.3, 0.1, 0.4, 0.4, 0.4]
    ranks = np.array([1.5, 1.5, 4.5, 3, 4.5]), np.array([2, 1, 4, 4, 4])
    assert rank_correlation(first, second) == pytest.approx(np.corrcoef(*ranks)[0, 1])


@pytest.mark.parametrize("scores", [[0.5], [0.5, 0.5, 0.5]])
def test_where_all_score_alike_there_is_none(scores):
    assert rank_correlation(scores, range(len(scores))) is None
