"""Which groups become INT8, given what each set of them costs."""

import pytest

from slsg_edge.calibration.sensitivity import Budget, Int8Damage, choose_groups

SHARES = {"stem": 0.1, "trunk": 0.6, "head": 0.3}


def _measure(costs, drops=None, verdicts=0):
    """Damage that adds up over groups: `costs` of the ranks, `drops` of the AUROC."""

    def measure(int8):
        total = sum(costs[group] for group in int8)
        drop = sum((drops or {}).get(group, 0.0) for group in int8)
        return Int8Damage(total, 1 - total, drop, verdicts if "head" in int8 else 0)

    return measure


def test_everything_is_int8_where_the_budget_holds():
    costs = dict.fromkeys(SHARES, 0.0001)
    assert choose_groups(SHARES, _measure(costs), Budget(rank=0.999)).int8 == tuple(SHARES)


def test_the_group_that_costs_too_much_stays_out():
    costs = {"stem": 0.0001, "trunk": 0.0001, "head": 0.01}
    chosen = choose_groups(SHARES, _measure(costs), Budget(rank=0.999))
    assert chosen.int8 == ("stem", "trunk")
    assert chosen.damage.rank >= 0.999
    assert chosen.alone["head"].map_mean == 0.01


def test_of_groups_that_would_do_the_one_with_least_work_is_left_out():
    costs = dict.fromkeys(SHARES, 0.0004)
    assert choose_groups(SHARES, _measure(costs), Budget(rank=0.999)).int8 == ("trunk", "head")


def test_the_auroc_has_a_budget_of_its_own():
    costs, drops = dict.fromkeys(SHARES, 0.0001), dict.fromkeys(SHARES, 0.01)
    measure = _measure(costs, drops)
    assert choose_groups(SHARES, measure, Budget(0.03, 0.999)).int8 == tuple(SHARES)
    assert choose_groups(SHARES, measure, Budget(0.02, 0.999)).int8 == ("trunk", "head")


@pytest.mark.parametrize("gained", [0.0, 0.03])
def test_scores_that_lose_their_order_are_too_much_whatever_the_auroc_gains(gained):
    budget = Budget(rank=0.999)
    assert not budget.holds(Int8Damage(0.0, 0.96, -gained, 0))
    assert budget.holds(Int8Damage(0.0, 0.9995, -gained, 0))


def test_a_lower_auroc_is_too_much_whatever_the_order():
    assert not Budget(rank=0.999).holds(Int8Damage(0.0, 1.0, 0.003, 0))


def test_a_changed_verdict_is_never_within_the_budget():
    costs = dict.fromkeys(SHARES, 0.0)
    chosen = choose_groups(SHARES, _measure(costs, verdicts=1), Budget(rank=0.999))
    assert chosen.int8 == ("stem", "trunk")


def test_scores_without_an_order_say_nothing_for_int8():
    assert not Budget(rank=0.999).holds(Int8Damage(0.0, None, 0.0, 0))


def test_nothing_is_int8_where_every_group_costs_too_much():
    costs = dict.fromkeys(SHARES, 0.5)
    assert choose_groups(SHARES, _measure(costs), Budget(rank=0.999)).int8 == ()
