import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_recall_curve, roc_auc_score

from slsg_edge.metrics.ranking import auroc, f1_max


def scores_of(seed, levels, count=500):
    rng = np.random.default_rng(seed)
    labels = rng.random(count) < 0.3
    scores = np.clip(rng.normal(0.4 + 0.2 * labels, 0.15), 0, 1)
    if levels:
        scores = np.round(scores * levels) / levels
    return scores.astype(np.float32), labels


@pytest.mark.parametrize("levels", [None, 100, 10, 2, 1])
@pytest.mark.parametrize("seed", range(3))
def test_auroc_is_that_of_scikit_learn_with_and_without_ties(seed, levels):
    scores, labels = scores_of(seed, levels)
    assert auroc(scores, labels) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_auroc_of_constant_scores_is_one_half():
    assert auroc([0.3] * 10, [True] * 3 + [False] * 7) == 0.5


def test_auroc_of_perfect_and_inverted_scores():
    assert auroc([0.1, 0.2, 0.8], [False, False, True]) == 1
    assert auroc([0.1, 0.2, 0.8], [True, True, False]) == 0


def test_auroc_flattens_maps_and_leaves_them_as_they_were():
    maps = np.random.default_rng(0).random((3, 8, 8), dtype=np.float32)
    masks = maps > 0.4
    before = maps.copy()
    assert auroc(maps, masks) == 1
    np.testing.assert_array_equal(maps, before)


@pytest.mark.parametrize("metric", [auroc, f1_max])
def test_one_class_or_a_score_that_is_not_finite_is_an_error(metric):
    with pytest.raises(ValueError, match="0 defective"):
        metric([0.1, 0.2], [False, False])
    with pytest.raises(ValueError, match="0 good"):
        metric([0.1, 0.2], [True, True])
    with pytest.raises(ValueError, match="not finite"):
        metric([0.1, np.nan], [True, False])
    with pytest.raises(ValueError, match="3 scores but 2 labels"):
        metric([0.1, 0.2, 0.3], [True, False])


@pytest.mark.parametrize("levels", [None, 100, 10, 2, 1])
@pytest.mark.parametrize("seed", range(3))
def test_f1_max_is_the_best_over_the_precision_recall_curve(seed, levels):
    scores, labels = scores_of(seed, levels)
    precision, recall, _ = precision_recall_curve(labels, scores)
    best = np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12))
    f1, threshold = f1_max(scores, labels)
    assert f1 == pytest.approx(best, abs=1e-12)
    assert f1_score(labels, scores > threshold) == pytest.approx(f1, abs=1e-12)


def test_f1_max_may_call_everything_defective():
    f1, threshold = f1_max([0.5, 0.5, 0.5], [True, True, False])
    assert f1 == pytest.approx(0.8)
    assert threshold < 0.5
