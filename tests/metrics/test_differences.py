import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from slsg_edge.contracts import Channel
from slsg_edge.metrics.differences import (
    auroc_change_by_kind,
    delong_change,
    error_changes,
    image_changes,
    pixel_changes,
)
from slsg_edge.metrics.intervals import Bootstrap
from slsg_edge.metrics.pixels import ScoredMaps
from slsg_edge.metrics.ranking import f1_max

KINDS = ["good"] * 40 + ["hole"] * 18 + ["crack"] * 12
LABELS = np.array([kind != "good" for kind in KINDS])


def scores_of(seed, levels=None, gain=0.4):
    """Two detectors that share most of what makes an image hard; the second is better."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(LABELS * 1.0, 1)
    first, second = (hard + rng.normal(LABELS * more, 0.4) for more in (0, gain))
    if levels:
        first, second = (np.round(one * levels) / levels for one in (first, second))
    return first, second


def direct_delong(first, second, labels):
    """Difference and its variance from every pair of images, as the paper's equations 3 to 5."""
    wins = []
    for scores in (first, second):
        good, defective = scores[~labels], scores[labels]
        wins.append((defective[:, None] > good) + 0.5 * (defective[:, None] == good))
    per_defective = np.cov([one.mean(axis=1) for one in wins])
    per_good = np.cov([one.mean(axis=0) for one in wins])
    covariance = per_defective / labels.sum() + per_good / (~labels).sum()
    contrast = np.array([-1, 1])
    return wins[1].mean() - wins[0].mean(), contrast @ covariance @ contrast


@pytest.mark.parametrize("levels", [None, 2])
@pytest.mark.parametrize("seed", range(4))
def test_delong_is_the_paper_counted_pair_by_pair(seed, levels):
    first, second = scores_of(seed, levels)
    change = delong_change(first, second, LABELS)
    value, variance = direct_delong(first, second, LABELS)
    assert change.first == pytest.approx(roc_auc_score(LABELS, first), abs=1e-12)
    assert change.second == pytest.approx(roc_auc_score(LABELS, second), abs=1e-12)
    assert change.difference.value == pytest.approx(value, abs=1e-12)
    half = 1.959963984540054 * np.sqrt(variance)
    assert change.difference.low == pytest.approx(value - half, abs=1e-12)
    assert change.difference.high == pytest.approx(value + half, abs=1e-12)


def test_two_equal_detectors_are_called_different_as_seldom_as_the_level_says():
    called = [delong_change(*scores_of(seed, gain=0), LABELS).sure for seed in range(400)]
    assert 0.02 <= np.mean(called) <= 0.09


def test_a_detector_against_itself_differs_by_nothing_for_sure():
    scores, _ = scores_of(0)
    for name, change in image_changes(scores, scores, KINDS, replicates=50).items():
        found = change.difference
        assert (found.value, found.low, found.high) == (0, 0, 0), name
        assert not change.sure


def test_turned_around_the_difference_changes_its_sign():
    first, second = scores_of(3)
    there = delong_change(first, second, LABELS).difference
    back = delong_change(second, first, LABELS).difference
    assert (there.value, there.low, there.high) == pytest.approx(
        (-back.value, -back.high, -back.low)
    )


def test_a_difference_is_surer_than_the_two_figures_are():
    change = delong_change(*scores_of(1), LABELS)
    apart = delong_change(scores_of(1)[0], scores_of(2)[1], LABELS)  # of other images
    width = change.difference.high - change.difference.low
    assert width < 0.6 * (apart.difference.high - apart.difference.low)


def test_other_metrics_are_those_of_the_same_images_drawn_again_for_both():
    first, second = scores_of(4)
    change = image_changes(first, second, KINDS, replicates=100)["f1_max"]
    (draws,) = Bootstrap(KINDS, 100).draws()
    drawn = [np.repeat(np.arange(len(KINDS)), row) for row in draws]
    values = [
        f1_max(second[row], LABELS[row])[0] - f1_max(first[row], LABELS[row])[0] for row in drawn
    ]
    assert (change.difference.low, change.difference.high) == pytest.approx(
        tuple(np.percentile(values, [2.5, 97.5]))
    )


def test_each_kind_is_compared_against_all_good_images():
    first, second = scores_of(5)
    found = auroc_change_by_kind(first, second, KINDS)
    chosen = np.array([kind != "hole" for kind in KINDS])
    assert list(found) == ["hole", "crack"]
    expected = delong_change(first[chosen], second[chosen], LABELS[chosen])
    assert found["crack"] == expected


def test_errors_are_shares_of_the_good_and_of_the_defective():
    first, second = np.zeros(70, bool), np.zeros(70, bool)
    first[[0, 1, 40]] = True  # two false alarms and a miss
    second[[1, 41, 42]] = True
    found = error_changes(first, second, KINDS, replicates=200)
    assert (found["false_alarms"].first, found["false_alarms"].second) == (2 / 40, 1 / 40)
    assert found["misses"].difference.value == pytest.approx(1 / 30)
    assert found["misses"].difference.low < 0 < found["misses"].difference.high
    assert list(error_changes(first[:40], second[:40], KINDS[:40])) == ["false_alarms"]
    assert error_changes([], [], []) == {}


def scored_maps(gain, saturated):
    """Maps with a square that stands out by `gain`, the same squares for every gain."""
    maps = ScoredMaps()
    rng = np.random.default_rng(7)
    for kind in KINDS[34:50]:
        scores = rng.random((24, 24)).astype(np.float32)
        channels = []
        if kind != "good":
            mask = np.zeros((24, 24), bool)
            mask[4:12, 4:12] = True
            scores[mask] += gain
            channels = [Channel(mask, 20 if saturated else None)]
        maps.add(scores, channels)
    return maps


@pytest.mark.parametrize("saturated", [False, True])
def test_maps_of_the_same_images_are_compared(saturated):
    places = range(16)
    with scored_maps(0.2, saturated) as first, scored_maps(0.4, saturated) as second:
        found = pixel_changes((first, places), (second, places), KINDS[34:50], replicates=50)
        exact = second.areas().aupro - first.areas().aupro
    assert ("spro_0.05" in found) is saturated
    assert found["aupro"].difference.value == pytest.approx(exact)
    assert found["aupro"].sure
    assert found["aupro"].difference.low < exact < found["aupro"].difference.high


def test_without_both_classes_there_is_no_comparison():
    with pytest.raises(ValueError, match="0 defective"):
        image_changes([0.1, 0.2], [0.1, 0.2], ["good", "good"])
    with pytest.raises(ValueError, match="not finite"):
        image_changes([0.1, np.nan], [0.1, 0.2], ["good", "hole"])
