import numpy as np
import pytest

from slsg_edge.contracts import Channel
from slsg_edge.metrics.intervals import Bootstrap
from slsg_edge.metrics.pixel_figures import pixel_figures
from slsg_edge.metrics.pixels import ScoredMaps

KINDS = ["good"] * 6 + ["hole"] * 6 + ["crack"] * 4


def images(levels=None, saturation=True):
    """(scores, channels) of each of KINDS; one in four good pixels scores 0."""
    rng = np.random.default_rng(3)
    found = []
    for kind in KINDS:
        scores = np.maximum(rng.normal(0.2 + rng.normal(0, 0.1), 0.3, (48, 48)), 0)
        channels = []
        if kind != "good":
            mask = np.zeros((48, 48), bool)
            mask[slice(10, 20 + rng.integers(20)), slice(10, 14 + rng.integers(20))] = True
            scores += mask * rng.uniform(0, 1.5)
            channels = [Channel(mask, int(mask.sum()) // 2 if saturation else None)]
        scores = np.round(scores * levels) / levels if levels else scores
        found.append((scores.astype(np.float32), channels))
    return found


def stored(pairs):
    maps = ScoredMaps()
    for scores, channels in pairs:
        maps.add(scores, channels)
    return maps


@pytest.mark.parametrize("levels", [None, 4])
def test_an_interval_is_that_of_exact_areas_over_images_drawn_again(levels):
    pairs = images(levels)
    with stored(pairs) as maps:
        figures = pixel_figures(maps, KINDS, replicates=60)
    (draws,) = Bootstrap(KINDS, 60).draws()
    rows = []
    for row in draws:
        with stored([pairs[index] for index in np.repeat(np.arange(len(KINDS)), row)]) as again:
            areas = again.areas()
            rows.append([areas.auroc, areas.aupr, areas.aupro, *areas.spro.values()])
    low, high = np.percentile(rows, [2.5, 97.5], axis=0)
    names = ["pixel_auroc", "pixel_aupr", "aupro", *(name for name in figures if "spro" in name)]
    for name, lowest, highest in zip(names, low, high, strict=True):
        got = figures[name].low, figures[name].high
        assert got == pytest.approx((lowest, highest), abs=4e-3), name


def test_every_metric_is_exact_and_has_an_interval_around_it():
    with stored(images()) as maps:
        figures, areas = pixel_figures(maps, KINDS), maps.areas()
    assert figures["pixel_auroc"].value == areas.auroc
    assert figures["spro_0.05"].value == areas.spro[0.05]
    assert len(figures) == 8
    for name, figure in figures.items():
        assert 0 <= figure.low < figure.value < figure.high <= 1, name


def test_a_kind_is_measured_over_its_images_and_the_chosen_good_ones():
    pairs = images()
    chosen = [index for index, kind in enumerate(KINDS) if kind != "hole"]
    with stored(pairs) as maps, stored([pairs[index] for index in chosen]) as alone:
        some = pixel_figures(maps, KINDS, chosen, replicates=20)
        expected = pixel_figures(alone, [KINDS[index] for index in chosen], replicates=20)
    assert some == expected


def test_without_saturation_there_is_no_saturated_pro_and_the_others_stay():
    with stored(images(saturation=False)) as maps:
        figures = pixel_figures(maps, KINDS, replicates=20)
    assert figures["spro_0.05"] is None
    assert figures["aupro"].value > 0.5


def test_without_good_images_the_good_pixels_of_defective_ones_serve():
    with stored(images()[6:]) as maps:
        assert pixel_figures(maps, KINDS[6:], replicates=20)["pixel_auroc"].value > 0.5


def test_without_a_defect_there_are_no_pixel_figures():
    with stored(images()[:6]) as maps, pytest.raises(ValueError, match="0 defective"):
        pixel_figures(maps, KINDS[:6])
