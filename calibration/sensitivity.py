"""Which groups of layers may be INT8: measured one by one, then chosen so that a budget holds.

Knows nothing about graphs or images: a group is a name, and whoever calls measures a set of them.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from slsg_edge.config import require_shares

TRIES = 40  # sets of groups that are left out, before one goes after another
MOST_LEFT_OUT = 3  # groups of such a set


@dataclass(frozen=True, slots=True)
class Damage:
    """What INT8 did, against the reference on the same images.

    map_mean: mean absolute difference of the maps. rank: Spearman's correlation of the scores,
    None where all of one side are ties. auroc_drop: of the image AUROC, None without labelled
    images. verdicts: golden frames whose verdict changed.
    """

    map_mean: float
    rank: float | None
    auroc_drop: float | None
    verdicts: int


@dataclass(frozen=True, slots=True)
class Budget:
    """How much INT8 may cost: image AUROC where there are labels, else the order of the scores.

    In both cases no verdict on a golden frame may change.
    """

    auroc_drop: float = 0.002
    rank: float = 0.999

    def __post_init__(self) -> None:
        require_shares("A budget", self.auroc_drop, self.rank)

    def holds(self, damage: Damage) -> bool:
        if damage.verdicts:
            return False
        if damage.auroc_drop is not None:
            return damage.auroc_drop <= self.auroc_drop
        return damage.rank is not None and damage.rank >= self.rank


@dataclass(frozen=True, slots=True)
class Choice:
    """`int8` in the order of the groups, what the whole of it costs, and each group alone."""

    int8: tuple[str, ...]
    damage: Damage
    alone: dict[str, Damage]


def choose_groups(
    groups: Mapping[str, float], measure: Callable[[frozenset[str]], Damage], budget: Budget
) -> Choice:
    """As much of the work in INT8 as the budget allows; no group may be left.

    `groups`: the share of the work of each. Without labels the order of the scores decides, which
    no company of other groups mends, so what breaks it alone is out from the start. Then sets of
    few groups are left out, the least work first, until the budget holds; if none of TRIES does,
    one group after another goes, what mends most for its work first.
    """
    alone = {group: measure(frozenset([group])) for group in groups}
    start = frozenset(
        group
        for group, damage in alone.items()
        if damage.auroc_drop is not None or budget.holds(damage)
    )
    for left_out in itertools.islice(_by_work(groups, start), TRIES):
        int8 = start - left_out
        damage = measure(int8)
        if budget.holds(damage):
            break
    else:
        int8, damage = _one_by_one(groups, start, measure, budget)
    return Choice(tuple(group for group in groups if group in int8), damage, alone)


def _by_work(groups: Mapping[str, float], start: frozenset[str]) -> list[frozenset[str]]:
    """Sets of up to MOST_LEFT_OUT groups, none first."""
    ordered = [group for group in groups if group in start]
    sets = (
        frozenset(chosen)
        for size in range(MOST_LEFT_OUT + 1)
        for chosen in itertools.combinations(ordered, size)
    )
    return sorted(sets, key=lambda chosen: sum(groups[group] for group in chosen))


def _one_by_one(
    groups: Mapping[str, float],
    start: frozenset[str],
    measure: Callable[[frozenset[str]], Damage],
    budget: Budget,
) -> tuple[frozenset[str], Damage]:
    """The maps say what mends most: ranks and AUROC of few images jump."""
    int8, damage = start, measure(start)
    while int8 and not budget.holds(damage):
        trials = {group: measure(int8 - {group}) for group in groups if group in int8}
        group = max(trials, key=lambda one: (damage.map_mean - trials[one].map_mean) / groups[one])
        int8, damage = int8 - {group}, trials[group]
    return int8, damage
