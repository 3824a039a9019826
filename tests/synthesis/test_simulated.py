"""Anomalies to try a threshold on: the same again, evenly spread, all of them to be seen."""

from collections import Counter

import numpy as np
import pytest

from slsg_edge.contracts import SIZES, SimulatedScore
from slsg_edge.demo.sample.specimen import draw, specimen
from slsg_edge.synthesis.anomalies import AnomalySimulator
from slsg_edge.synthesis.fractal_patches import FractalSettings, FractalSimulator
from slsg_edge.synthesis.settings import SynthesisSettings
from slsg_edge.synthesis.simulated import (
    VISIBLE,
    WANTED,
    SimulatedSet,
    anomaly_kinds,
    contrast_of,
    faded,
)
from slsg_edge.synthesis.textures import ProceduralTextures

SIDE = 96
KINDS = ["structure", "texture", "fractal"]


def kinds(own=None):
    textures, synthesis = ProceduralTextures(), SynthesisSettings()
    return anomaly_kinds(own or AnomalySimulator(synthesis, textures), synthesis, textures)


def products(count):
    return np.stack([draw(specimen(np.random.default_rng(i)), SIDE)[0] for i in range(count)])


def flat(level):
    return np.full((3, SIDE, SIDE, 3), level, np.uint8)


def small_on_black():
    images = flat(0)
    images[:, 44:52, 44:52] = 150
    return images


IMAGES = {
    "products": lambda: products(4),
    "one product": lambda: products(1),
    "black": lambda: flat(0),
    "white": lambda: flat(255),
    "grey": lambda: flat(128),
    "small on black": small_on_black,
    "bright noise": lambda: np.random.default_rng(0).integers(
        245, 256, (3, SIDE, SIDE, 3), dtype=np.uint8
    ),
}


@pytest.mark.parametrize("count", [1, 2, 7, 179, 180, 181, 200, 1000])
def test_anomalies_are_spread_evenly_whatever_the_number_of_images(count):
    drawn = SimulatedSet(np.empty((count, 1, 1, 3), np.uint8), kinds())
    numbers = [list(drawn.numbers_of(image)) for image in range(count)]
    assert [number for some in numbers for number in some] == list(range(WANTED))
    assert max(map(len, numbers)) - min(map(len, numbers)) <= 1
    # and over the whole of them, not the first ones alone
    used = [image for image, some in enumerate(numbers) if some]
    assert max(np.diff([-1, *used, count])) <= -(-count // WANTED) + 1


@pytest.mark.parametrize("count", [1, 7, 60, 200, 1000])
def test_kinds_take_turns_and_no_kind_has_images_of_its_own(count):
    drawn = SimulatedSet(np.empty((count, 1, 1, 3), np.uint8), kinds())
    assert [drawn.kind_of(number) for number in range(6)] == KINDS * 2
    assert set(Counter(map(drawn.kind_of, range(WANTED))).values()) == {WANTED // 3}
    halves = dict.fromkeys(KINDS, 0)
    for image in range(count // 2):
        for number in drawn.numbers_of(image):
            halves[drawn.kind_of(number)] += 1
    assert max(halves.values()) - min(halves.values()) <= 1


def test_the_same_seed_and_number_give_the_same_anomaly_in_any_order():
    images = products(3)
    first, again = SimulatedSet(images, kinds()), SimulatedSet(images.copy(), kinds())
    other = SimulatedSet(images, kinds(), seed=1)
    forward = [first.anomaly(i % 3, i) for i in range(9)]
    for i in reversed(range(9)):
        picture, mask = again.anomaly(i % 3, i)
        assert np.array_equal(picture, forward[i][0])
        assert np.array_equal(mask, forward[i][1])
        assert not np.array_equal(picture, other.anomaly(i % 3, i)[0])


@pytest.mark.parametrize("name", IMAGES)
def test_every_anomaly_can_be_seen_and_its_mask_holds_all_that_changed(name):
    images = IMAGES[name]()
    before, drawn = images.copy(), SimulatedSet(images, kinds())
    for number in range(18):
        image = number % len(images)
        picture, mask = drawn.anomaly(image, number)
        assert picture.dtype == np.uint8
        assert mask.any()
        assert contrast_of(images[image], picture, mask) >= VISIBLE - 0.5
        assert not (picture != images[image])[~mask].any()
    assert np.array_equal(images, before)


def test_faint_and_plain_ones_of_all_sizes_are_among_them():
    images = products(4)
    drawn = SimulatedSet(images, kinds())
    found = [(i % 4, *drawn.anomaly(i % 4, i)) for i in range(WANTED)]
    contrasts = [contrast_of(images[i], picture, mask) for i, picture, mask in found]
    assert sum(contrast < 2 * VISIBLE for contrast in contrasts) > WANTED / 10
    assert sum(contrast > 5 * VISIBLE for contrast in contrasts) > WANTED / 10
    sizes = Counter(SimulatedScore("x", float(mask.mean()), 0.5).size for _, _, mask in found)
    assert set(sizes) == set(SIZES)


def test_a_detector_that_learns_from_fractals_draws_them_by_its_own_rules():
    own = FractalSimulator(FractalSettings(side=(0.1, 0.2)))
    assert kinds(own)["fractal"] is own
    assert list(kinds(own)) == KINDS


def test_fading_keeps_the_share_of_the_difference():
    good, anomalous = flat(100)[0], flat(200)[0]
    assert (faded(good, anomalous, 0.25) == 125).all()
    assert (faded(anomalous, good, 0.25) == 175).all()
    assert np.array_equal(faded(good, anomalous, 1.0), anomalous)


def test_an_empty_mask_has_no_contrast():
    good = flat(100)[0]
    assert contrast_of(good, good, np.zeros((SIDE, SIDE), bool)) == 0
