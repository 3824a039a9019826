"""Fractal masks, and the patches that show through them."""

import dataclasses

import numpy as np
import pytest

from slsg_edge.errors import ConfigError
from slsg_edge.synthesis.fractal import FULLNESS, attractor, draw_system, fractal_mask
from slsg_edge.synthesis.fractal_patches import (
    FractalSettings,
    FractalSimulator,
    recoloured,
    turned,
)

SEEDS = range(12)
QUIET = FractalSettings(noise_probability=0)


@pytest.fixture
def image():
    """A light square product on a dark ground."""
    picture = np.full((128, 128, 3), 20, np.uint8)
    rng = np.random.default_rng(1)
    picture[40:104, 40:104] = rng.integers(80, 200, (64, 64, 3), dtype=np.uint8)
    return picture


def _draw(settings, image, seed):
    return FractalSimulator(settings).anomalous(np.random.default_rng(seed), image, image)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_map_contracts_and_together_they_are_as_full_as_the_papers(seed):
    system = draw_system(np.random.default_rng(seed))
    values = np.linalg.svd(system.matrices, compute_uv=False)
    assert values.max() < 1
    assert FULLNESS[0] <= (values[:, 0] + 2 * values[:, 1]).sum() <= FULLNESS[1]
    assert system.probabilities.sum() == pytest.approx(1)


def test_maps_are_drawn_by_their_area_and_some_mirror():
    systems = [draw_system(np.random.default_rng(seed)) for seed in range(40)]
    determinants = np.array([np.linalg.det(system.matrices) for system in systems])
    areas = np.maximum(np.abs(determinants), 0.01)
    shares = np.array([system.probabilities for system in systems])
    np.testing.assert_allclose(shares, areas / areas.sum(1, keepdims=True))
    assert (determinants < 0).any()
    assert (determinants > 0).any()


def _stepped(system, point, rng, count):
    """The chaos game as textbooks have it: one point, one step after the other."""
    places = []
    for _ in range(count):
        chosen = int(rng.random() > system.probabilities[0])
        point = system.matrices[chosen] @ point + system.offsets[chosen]
        places.append(point)
    return np.array(places[20:]).T


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_many_chains_draw_what_one_long_chain_draws(seed):
    system = draw_system(np.random.default_rng(seed))
    many = attractor(np.random.default_rng(0), system, 100_000)
    assert many.shape == (2, 100_000)
    one = _stepped(system, np.zeros(2), np.random.default_rng(1), 20_000)
    spread = one.std(1)
    assert (np.abs(many.mean(1) - one.mean(1)) < 0.1 * spread).all()
    np.testing.assert_allclose(many.std(1), spread, rtol=0.1)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mask_spans_its_square_and_is_no_full_one(seed):
    mask = fractal_mask(np.random.default_rng(seed), 64)
    assert mask.shape == (64, 64)
    rows, columns = np.nonzero(mask)
    assert np.ptp(rows) >= 60
    assert np.ptp(columns) >= 60
    assert 0.01 < mask.mean() < 0.95


def test_masks_differ_and_the_same_seed_gives_the_same():
    first, again, other = (fractal_mask(np.random.default_rng(seed), 48) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_label_is_wider_than_the_paste_and_nothing_changes_outside(image, seed):
    anomalous, mask = _draw(QUIET, image, seed)
    narrow = _draw(dataclasses.replace(QUIET, grow=0), image, seed)[1]
    assert np.array_equal(anomalous[~narrow], image[~narrow])
    assert narrow.any()
    assert (mask & narrow).sum() == narrow.sum() < mask.sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_patches_stay_inside_the_margins(image, seed):
    rows, columns = np.nonzero(_draw(dataclasses.replace(QUIET, grow=0), image, seed)[1])
    for places in (rows, columns):
        assert 0.1 * 128 - 1 <= places.min() <= places.max() <= 0.9 * 128 + 1


@pytest.mark.parametrize("seed", SEEDS)
def test_patches_may_be_kept_to_the_product(image, seed):
    near = FractalSettings(place="object", object_side=(0.05, 0.3), grow=0)
    rows, columns = np.nonzero(_draw(near, image, seed)[1])
    for places in (rows, columns):
        assert 40 - 11 <= places.mean() <= 104 + 11


def test_without_a_product_patches_come_from_anywhere():
    flat = np.full((64, 64, 3), 90, np.uint8)
    assert _draw(FractalSettings(place="object"), flat, 0)[1].any()


def test_noise_lies_within_the_label_and_is_grey(image):
    settings = FractalSettings(noise_probability=1)
    noisy, mask = _draw(settings, image, 3)
    still, _ = _draw(dataclasses.replace(settings, noise=0.0), image, 3)
    change = noisy.astype(int) - still
    assert not change[~mask].any()
    assert change.any()
    unclipped = ((noisy > 0) & (noisy < 255)).all(-1)
    assert (np.ptp(change[unclipped], axis=-1) == 0).all()


def test_normal_images_are_jittered_a_little(image):
    simulator = FractalSimulator(FractalSettings())
    jittered = simulator.normal(np.random.default_rng(0), image)
    assert 0 < np.abs(jittered.astype(int) - image).mean() < 20
    still = FractalSimulator(FractalSettings(jitter=0.0))
    assert np.array_equal(still.normal(np.random.default_rng(0), image), image)


def test_patches_are_recoloured_in_three_ways():
    patch = np.random.default_rng(0).integers(50, 200, (16, 16, 3), dtype=np.uint8)
    found = [recoloured(np.random.default_rng(seed), patch) for seed in range(30)]
    untouched = [(new == patch).all((0, 1)).sum() for new in found]
    assert 1 in untouched  # two channels scaled, the third left alone
    assert 0 in untouched


@pytest.mark.parametrize("seed", SEEDS)
def test_the_corners_of_a_turned_patch_are_left_out(seed):
    white = np.full((40, 40, 3), 255, np.uint8)
    rotated, inside = turned(np.random.default_rng(seed), white)
    assert (rotated[inside] == 255).all()
    assert not inside[[0, 0, -1, -1], [0, -1, 0, -1]].any()
    assert inside.mean() > 0.6


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"side": (0.5, 0.1)}, "side"),
        ({"margin": 0.3}, "margin"),
        ({"object_side": (0.0, 1.0)}, "object_side"),
        ({"noise": -1.0}, "fractal"),
        ({"noise_probability": 2.0}, "fractal"),
    ],
)
def test_settings_that_make_no_sense_are_refused(values, said):
    with pytest.raises(ConfigError, match=said):
        FractalSettings(**values)
