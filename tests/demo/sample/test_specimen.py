from dataclasses import replace

import numpy as np
import pytest

from slsg_edge.contracts import Image, Mask
from slsg_edge.demo.sample.product import broken_rules
from slsg_edge.demo.sample.specimen import DEFECTS, LOGICAL, STRUCTURAL, Specimen, draw, specimen
from slsg_edge.errors import ConfigError

SIZE = 160


def drawn(defect: str | None, seed: int) -> tuple[Specimen, Image, Mask]:
    part = specimen(np.random.default_rng(seed), defect)
    return part, *draw(part, SIZE)


def flawless(part: Specimen) -> Image:
    return draw(replace(part, product=part.intended, damage=None), SIZE)[0]


def test_a_good_part_has_an_empty_mask() -> None:
    part, image, mask = drawn(None, 0)
    assert image.shape == (SIZE, SIZE, 3)
    assert image.dtype == np.uint8
    assert not mask.any()
    assert broken_rules(part.product) == ()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("defect", DEFECTS[STRUCTURAL])
def test_the_mask_of_damage_is_exactly_what_changed(defect: str, seed: int) -> None:
    part, image, mask = drawn(defect, seed)
    assert broken_rules(part.product) == ()
    assert np.array_equal(mask, (image != flawless(part)).any(2))
    assert 0.001 < mask.mean() < 0.15


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("defect", DEFECTS[LOGICAL])
def test_a_broken_rule_is_seen_inside_its_mask(defect: str, seed: int) -> None:
    part, image, mask = drawn(defect, seed)
    change = np.abs(image.astype(int) - flawless(part)).sum(2)
    assert 0.005 < mask.mean() < 0.2
    assert change[mask].mean() > 30
    # outside there is no more than the shadow of what came or went
    assert change[~mask].mean() < 0.05 * change[mask].mean()


def test_the_mask_follows_the_pose() -> None:
    part = specimen(np.random.default_rng(0), "swapped")
    pose = replace(part.product.pose, x=part.product.pose.x + 0.1)
    moved = replace(part, product=replace(part.product, pose=pose))
    shift = np.nonzero(draw(moved, SIZE)[1])[1].mean() - np.nonzero(draw(part, SIZE)[1])[1].mean()
    assert shift == pytest.approx(0.1 * SIZE, abs=1)


def test_the_same_part_is_drawn_at_every_size() -> None:
    part = specimen(np.random.default_rng(0), "misplaced")
    small, large = draw(part, 64)[1], draw(part, 256)[1]
    assert small.mean() == pytest.approx(large.mean(), rel=0.1)


def test_pictures_of_one_size_differ_only_by_their_seed() -> None:
    assert np.array_equal(drawn("scratch", 4)[1], drawn("scratch", 4)[1])
    assert not np.array_equal(drawn("scratch", 4)[1], drawn("scratch", 5)[1])


def test_an_unknown_defect_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="scratch"):
        specimen(np.random.default_rng(0), "scratsh")
