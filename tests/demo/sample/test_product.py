from dataclasses import replace

import numpy as np
import pytest

from slsg_edge.demo.sample.product import SPARE, Piece, broken_rules, normal_product
from slsg_edge.demo.sample.violations import VIOLATIONS, violate


def test_a_normal_product_keeps_every_rule() -> None:
    for seed in range(50):
        assert broken_rules(normal_product(np.random.default_rng(seed))) == (), f"seed {seed}"


@pytest.mark.parametrize("kind", VIOLATIONS)
def test_every_violation_breaks_a_rule_and_leaves_the_rest_alone(kind: str) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        good = normal_product(rng)
        bad = violate(good, kind, rng)
        assert broken_rules(bad), f"seed {seed}"
        assert len({*good.pieces} & {*bad.pieces}) >= len(good.pieces) - 2, f"seed {seed}"
        assert replace(bad, pieces=good.pieces) == good, f"seed {seed}"


def test_a_missing_piece_is_named() -> None:
    good = normal_product(np.random.default_rng(0))
    (fault,) = broken_rules(replace(good, pieces=good.pieces[1:]))
    assert fault.startswith("No steel screw at 0.2")


def test_a_piece_too_many_is_named() -> None:
    good = normal_product(np.random.default_rng(0))
    fuse = Piece("fuse", "red", *SPARE)
    (fault,) = broken_rules(replace(good, pieces=(*good.pieces, fuse)))
    assert fault.startswith("A red fuse")


def test_two_swapped_fuses_break_two_rules() -> None:
    rng = np.random.default_rng(3)
    bad = violate(normal_product(rng), "swapped", rng)
    assert sum(fault.startswith("No ") for fault in broken_rules(bad)) == 2


def test_products_vary() -> None:
    first, second = (normal_product(np.random.default_rng(seed)) for seed in (0, 1))
    assert first.pose != second.pose
    assert first.serial != second.serial
