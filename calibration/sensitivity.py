"""Which groups of layers may be INT8: measured one by one, then chosen so that a budget holds.

Knows nothing about graphs or images: a group is a name, and whoever calls measures a set of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from slsg_edge.config import require_shares


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
    """Everything in INT8, less one group after another until the budget holds.

    `groups`: the share of the work of each. Every step measures what leaving each group out would
    give: the least work that makes the budget hold is left out, else what mends most for its
    work. No group may be left.
    """
    alone = {group: measure(frozenset([group])) for group in groups}
    int8 = frozenset(groups)
    damage = measure(int8)
    while int8 and not budget.holds(damage):
        trials = {group: measure(int8 - {group}) for group in groups if group in int8}
        group = _left_out(groups, trials, damage, budget)
        int8, damage = int8 - {group}, trials[group]
    return Choice(tuple(group for group in groups if group in int8), damage, alone)


def _left_out(
    groups: Mapping[str, float], trials: Mapping[str, Damage], damage: Damage, budget: Budget
) -> str:
    """The maps say what mends most: ranks and AUROC of few images jump."""
    enough = [group for group, trial in trials.items() if budget.holds(trial)]
    if enough:
        return min(enough, key=lambda group: groups[group])
    return max(trials, key=lambda group: (damage.map_mean - trials[group].map_mean) / groups[group])
