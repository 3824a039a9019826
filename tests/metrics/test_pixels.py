from contextlib import ExitStack

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from slsg_edge.contracts import Channel
from slsg_edge.metrics.direct import direct_curve, direct_rates
from slsg_edge.metrics.pixels import ScoredMaps


def scene(seed, levels=None, count=6, side=40, dtype=np.float32):
    """Maps and, for each, overlapping channels with saturations; the first two are good."""
    rng = np.random.default_rng(seed)
    maps, truth = [], []
    for index in range(count):
        scores = rng.normal(0, 1, (side, side))
        channels = []
        for _ in range(0 if index < 2 else 1 + index % 3):
            mask = np.zeros((side, side), bool)
            top, left = rng.integers(0, side - 8, 2)
            mask[top : top + rng.integers(2, 9), left : left + rng.integers(2, 9)] = True
            mask[rng.integers(0, side), rng.integers(0, side)] = True
            channels.append(Channel(mask, int(rng.integers(1, mask.sum() + 1))))
            scores += rng.uniform(0, 2) * mask
        if levels:
            scores = np.round(scores * levels) / levels
        maps.append(scores.astype(dtype))
        truth.append(channels)
    return maps, truth


@pytest.fixture
def stored():
    """Maps and their truth as `ScoredMaps`, closed at the end."""
    with ExitStack() as stack:

        def store(maps, truth, **options):
            found = stack.enter_context(ScoredMaps(**options))
            for scores, channels in zip(maps, truth, strict=True):
                found.add(scores, channels)
            return found

        yield store


def union_of(scores, channels):
    return np.any([np.zeros(scores.shape, bool), *(one.mask for one in channels)], axis=0)


@pytest.mark.parametrize("levels", [None, 3, 1])
@pytest.mark.parametrize("seed", range(3))
def test_aupro_and_spro_are_the_areas_under_the_directly_counted_curves(stored, seed, levels):
    maps, truth = scene(seed, levels, side=16)
    areas = stored(maps, truth).areas()
    every_score = np.unique(np.stack(maps))[::-1]
    curve = direct_curve(list(zip(maps, truth, strict=True)), [*every_score, -np.inf])
    assert areas.aupro == pytest.approx(curve.area(curve.pro, 0.3), abs=1e-12)
    assert list(areas.spro) == [0.01, 0.05, 0.1, 0.3, 1.0]
    for limit, area in areas.spro.items():
        assert area == pytest.approx(curve.area(curve.spro, limit), abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("levels", [None, 2])
def test_rates_at_thresholds_are_the_directly_counted_ones(stored, levels, dtype):
    maps, truth = scene(5, levels, dtype=dtype)
    thresholds = [*maps[3].ravel()[:20], -9.0, 9.0]  # scores too: a score is not above itself
    rates = stored(maps, truth).rates(thresholds)
    for index, threshold in enumerate(thresholds):
        expected = direct_rates(list(zip(maps, truth, strict=True)), threshold)
        got = rates.false_positive_rate[index], rates.pro[index], rates.spro[index]
        assert got == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("levels", [None, 5, 1])
def test_pixel_auroc_and_aupr_are_those_of_scikit_learn(stored, levels):
    maps, truth = scene(7, levels)
    labels = np.stack([union_of(*pair) for pair in zip(maps, truth, strict=True)]).ravel()
    scores = np.stack(maps).ravel()
    areas = stored(maps, truth).areas()
    assert areas.auroc == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert areas.aupr == pytest.approx(average_precision_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize("levels", [None, 1])
def test_maps_on_disk_walked_in_small_blocks_give_the_same(stored, tmp_path, levels):
    maps, truth = scene(2, levels, side=64)
    expected = stored(maps, truth).areas()
    areas = stored(maps, truth, folder=tmp_path, in_memory=1000, block=1000).areas()
    assert areas.auroc == pytest.approx(expected.auroc, abs=1e-12)
    assert areas.aupr == pytest.approx(expected.aupr, abs=1e-12)
    assert areas.aupro == pytest.approx(expected.aupro, abs=1e-12)
    assert areas.spro == pytest.approx(expected.spro, abs=1e-12)


def square(side=4):
    mask = np.zeros((8, 8), bool)
    mask[:side, :side] = True
    return mask


def test_a_defect_counts_as_found_once_its_saturation_is(stored):
    scores = np.zeros((8, 8), np.float32)
    scores[:2, :2] = 1  # 4 of 16 pixels
    rates = stored([scores], [[Channel(square(), 4)]]).rates([0.5])
    assert (rates.spro[0], rates.pro[0], rates.false_positive_rate[0]) == (1, 0.25, 0)


def test_a_pixel_in_two_defects_counts_in_both_and_is_no_false_positive(stored):
    scores = square(2).astype(np.float32)
    truth = [Channel(square(2), 4), Channel(square(4), 16)]
    rates = stored([scores], [truth]).rates([0.5])
    assert rates.spro[0] == pytest.approx((1 + 4 / 16) / 2)
    assert rates.false_positive_rate[0] == 0


def test_parts_that_touch_at_a_corner_are_one_region(stored):
    mask = np.eye(8, dtype=bool)
    mask[0, 7] = True
    scores = np.zeros((8, 8), np.float32)
    scores[0, 7] = 1
    assert stored([scores], [[Channel(mask)]]).rates([0.5]).pro[0] == 0.5


def test_a_perfect_map_has_areas_of_one_and_a_constant_one_of_chance(stored):
    truth = [[], [Channel(square(), 16)]]
    perfect = [np.zeros((8, 8), np.float32), square().astype(np.float32)]
    areas = stored(perfect, truth).areas()
    assert (areas.auroc, areas.aupr, areas.aupro, areas.spro[0.05]) == (1, 1, 1, 1)
    constant = stored([np.full((8, 8), 0.5, np.float32)] * 2, truth).areas()
    assert (constant.auroc, constant.aupr) == (0.5, 16 / 128)
    assert constant.aupro == pytest.approx(0.15)  # the diagonal up to 0.3
    assert constant.spro[0.01] == pytest.approx(0.005)


def test_some_images_are_measured_as_if_there_were_no_others(stored):
    maps, truth = scene(1)
    some = [0, 3, 4]
    alone = stored([maps[i] for i in some], [truth[i] for i in some])
    assert stored(maps, truth).areas(some) == alone.areas()
    rates, expected = stored(maps, truth).rates([0.5], some), alone.rates([0.5])
    assert (rates.pro, rates.spro) == (expected.pro, expected.spro)


def test_a_defect_without_saturation_leaves_saturated_pro_out(stored):
    maps, truth = scene(1)
    found = stored(maps, [*truth[:-1], [Channel(union_of(maps[-1], truth[-1]))]])
    assert found.areas().spro is None
    assert found.rates([0.5]).spro is None
    assert found.areas(range(5)).spro is not None


def test_maps_that_cannot_be_measured_are_refused(stored):
    found = stored([], [])
    with pytest.raises(ValueError, match="not finite"):
        found.add(np.full((8, 8), np.nan, np.float32))
    with pytest.raises(ValueError, match=r"map of \(8, 8\) has a mask of \(4, 4\)"):
        found.add(np.zeros((8, 8), np.float32), [Channel(np.ones((4, 4), bool))])
    found.add(np.zeros((8, 8), np.float32))
    for measure in (found.areas, lambda: found.rates([0.5])):
        with pytest.raises(ValueError, match="0 defective"):
            measure()
