"""Which groups of layers may be INT8: measured one by one, then chosen so that a budget holds.

Knows nothing about graphs or images: a group is a name, and whoever calls measures a set of them.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from slsg_edge.config import require_shares

MOST_SETS = 40  # sets of groups that are left out, before one goes after another
MOST_LEFT_OUT = 3  # groups of such a set


@dataclass(frozen=True, slots=True)
class Int8Damage:
    """What INT8 did to a detector, against the reference on the same images.

    map_mean: mean absolute difference of the maps.
    rank: Spearman's correlation of the scores, None where all of one side are equal.
    auroc_drop: of the AUROC between good images and anomalies simulated in them.
    verdicts: golden frames whose verdict changed.
    """

    map_mean: float
    rank: float | None
    auroc_drop: float
    verdicts: int


@dataclass(frozen=True, slots=True)
class Budget:
    """How much INT8 may cost. Both limits hold, and no verdict on a golden frame may change.

    auroc_drop: by how much the AUROC between good and simulated images may fall.
    rank: how well the scores of the same images must keep their order, as Spearman's correlation.
        At 0.999 no single group of N-pad's layers on `bottle` was within it (0.992 to 0.9986
        each), so that INT8 was refused although it changed no verdict.
    """

    auroc_drop: float = 0.002
    rank: float = 0.99

    def __post_init__(self) -> None:
        require_shares("A budget", self.auroc_drop, self.rank)

    def holds(self, damage: Int8Damage) -> bool:
        kept_order = damage.rank is not None and damage.rank >= self.rank
        return kept_order and damage.auroc_drop <= self.auroc_drop and not damage.verdicts


@dataclass(frozen=True, slots=True)
class ChosenGroups:
    """Which groups are INT8, and what that costs.

    int8: their names, in the order of the groups.
    damage: of all of them together.
    alone: of each group by itself, chosen or not.
    """

    int8: tuple[str, ...]
    damage: Int8Damage
    alone: dict[str, Int8Damage]


def choose_groups(
    groups: Mapping[str, float], measure: Callable[[frozenset[str]], Int8Damage], budget: Budget
) -> ChosenGroups:
    """As much of the work in INT8 as the budget allows; no group may be left.

    `groups`: the share of the work of each. What breaks the budget alone is out from the start:
    no company of other groups mends it but by chance. Then sets of few groups are left out, the
    least work first, until the budget holds; if none of MOST_SETS does, one group after another
    goes, what mends most for its work first.
    """
    alone = {group: measure(frozenset([group])) for group in groups}
    start = frozenset(group for group, damage in alone.items() if budget.holds(damage))
    for left_out in itertools.islice(_by_work(groups, start), MOST_SETS):
        int8 = start - left_out
        damage = measure(int8)
        if budget.holds(damage):
            break
    else:
        int8, damage = _one_by_one(groups, start, measure, budget)
    return ChosenGroups(tuple(group for group in groups if group in int8), damage, alone)


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
    measure: Callable[[frozenset[str]], Int8Damage],
    budget: Budget,
) -> tuple[frozenset[str], Int8Damage]:
    """The maps say what mends most: ranks and AUROC of few images jump."""
    int8, damage = start, measure(start)
    while int8 and not budget.holds(damage):
        trials = {group: measure(int8 - {group}) for group in groups if group in int8}
        group = max(
            trials, key=lambda tried: (damage.map_mean - trials[tried].map_mean) / groups[tried]
        )
        int8, damage = int8 - {group}, trials[group]
    return int8, damage
