"""Which groups become INT8, given what each set of them costs."""

from slsg_edge.calibration.sensitivity import Budget, Damage, choose_groups

SHARES = {"stem": 0.1, "trunk": 0.6, "head": 0.3}


def _measure(costs, labelled=False, verdicts=0):
    """Damage that adds up over groups."""

    def measure(int8):
        total = sum(costs[group] for group in int8)
        return Damage(
            total, 1 - total, total if labelled else None, verdicts if "head" in int8 else 0
        )

    return measure


def test_everything_is_int8_where_the_budget_holds():
    costs = dict.fromkeys(SHARES, 0.0001)
    assert choose_groups(SHARES, _measure(costs), Budget()).int8 == tuple(SHARES)


def test_the_group_that_costs_too_much_stays_out():
    costs = {"stem": 0.0001, "trunk": 0.0001, "head": 0.01}
    choice = choose_groups(SHARES, _measure(costs), Budget())
    assert choice.int8 == ("stem", "trunk")
    assert choice.damage.rank >= 0.999
    assert choice.alone["head"].map_mean == 0.01


def test_of_groups_that_would_do_the_one_with_least_work_is_left_out():
    costs = dict.fromkeys(SHARES, 0.0004)
    assert choose_groups(SHARES, _measure(costs), Budget()).int8 == ("trunk", "head")


def test_with_labels_the_auroc_decides_and_not_the_rank():
    costs = dict.fromkeys(SHARES, 0.01)
    choice = choose_groups(SHARES, _measure(costs, labelled=True), Budget(auroc_drop=0.03))
    assert choice.int8 == tuple(SHARES)
    choice = choose_groups(SHARES, _measure(costs, labelled=True), Budget(auroc_drop=0.02))
    assert choice.int8 == ("trunk", "head")


def test_a_changed_verdict_is_never_within_the_budget():
    costs = dict.fromkeys(SHARES, 0.0)
    choice = choose_groups(SHARES, _measure(costs, labelled=True, verdicts=1), Budget())
    assert choice.int8 == ("stem", "trunk")


def test_scores_without_an_order_say_nothing_for_int8():
    budget = Budget()
    assert not budget.holds(Damage(0.0, None, None, 0))


def test_nothing_is_int8_where_every_group_costs_too_much():
    costs = dict.fromkeys(SHARES, 0.5)
    assert choose_groups(SHARES, _measure(costs), Budget()).int8 == ()
