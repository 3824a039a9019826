"""A sequential test whether a quantity of good parts still is what it was.

The question is asked after each part, for months, and a wrong warning may come only with a stated
probability in all that time. So each part bets against "nothing has changed", and the stakes are
multiplied by a function of its p-value whose mean is 1 while that is true. The sum of the stakes
is then a martingale that begins at 1, and it ever reaches 1 / a with probability at most a
(Ville's inequality; Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2nd ed.,
chapter 8).

The p-value of a part is its smoothed rank among all parts before it, calibration included. While
all are exchangeable these p-values are independent and uniform, whatever the distribution is and
however few images the calibration had. Ranks against the calibration alone would not be: its own
chance would show in the long run as drift.

A change may come late. So a share of the first stake is set aside for bets that begin at each
later part, and is smaller the later: the price is a delay that grows with the logarithm of the
parts seen, not the guarantee (as the e-detectors of Shin, Ramdas and Rinaldo 2022).
"""

import math
import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BINS = 4096  # of a quantity between 0 and 1; equal ones are ranked by chance, which stays exact
_RECENT = 100  # parts over which it is asked whether the change is still there
_LEAST_RECENT = 20
_OFF = 0.08  # of a mean rank from 1/2, which 0.28 standard deviations move
_ENOUGH = 1e12  # a stake that proves everything
# Bets on higher, lower, wider and narrower values: 1 + a (p - 1/2), and 1 + b (12 (p - 1/2)^2 - 1).
_TILTS = (-1.8, -0.8, 0.8, 1.8)
_SPREADS = (-0.45, 0.45)
BETS = len(_TILTS) + len(_SPREADS)


@dataclass(slots=True)
class Evidence:
    """What is known of one quantity.

    learning: so many parts are only learned from, where no calibration has told of it.
    counts: of all parts, by bin. reference: of the first of them, which the newest are compared
    with. bets: how many parts were bet on. stakes: what each kind of bet has come to.
    recent: ranks of the newest parts in the reference. crossed: the limit was reached once.
    """

    learning: int = 0
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    reference: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    bets: int = 0
    stakes: list[float] = field(default_factory=lambda: [0.0] * BETS)
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))
    crossed: bool = False

    def learn(self, values: Iterable[float]) -> None:
        """Parts that were good when the line was calibrated."""
        for value in values:
            self._count(_bin(value), reference=True)

    def see(self, value: float, limit: float, chance: random.Random) -> None:
        """The next good part; value: 0 to 1."""
        place = _bin(value)
        if self.learning > 0:
            self.learning -= 1
            self._count(place, reference=True)
            return
        self._bet(_rank(self.counts, place, chance.random()))
        self.recent.append(_rank(self.reference, place, 0.5))
        self.crossed = self.crossed or self.wealth >= limit
        self._count(place, reference=False)

    @property
    def wealth(self) -> float:
        """1 at the start, and on average as long as nothing changes."""
        return sum(self.stakes) / BETS + _set_aside(self.bets)

    def strength(self, limit: float) -> float:
        """0 while there is none, 1 at the limit; evenly in the logarithm of the wealth."""
        return max(0.0, math.log(self.wealth) / math.log(limit))

    @property
    def drifted(self) -> bool:
        """The limit was reached, and the newest parts are still not as the first ones."""
        if not self.crossed or len(self.recent) < _LEAST_RECENT:
            return self.crossed
        ranks = np.array(self.recent)
        wide = abs(12 * float(np.mean((ranks - 0.5) ** 2)) - 1)
        return abs(float(ranks.mean()) - 0.5) >= _OFF or wide >= 4 * _OFF

    def _bet(self, p: float) -> None:
        self.bets += 1
        fresh = _set_aside(self.bets - 1) - _set_aside(self.bets)
        for number, factor in enumerate(_factors(p)):
            self.stakes[number] = min((self.stakes[number] + fresh) * factor, _ENOUGH)

    def _count(self, place: int, *, reference: bool) -> None:
        self.counts[place] += 1
        if reference:
            self.reference[place] += 1


def _set_aside(bets: int) -> float:
    """The share of the first stake that is kept for bets that begin later."""
    return 1 / math.log2(bets + 2)


def _factors(p: float) -> list[float]:
    off = p - 0.5
    spread = 12 * off * off - 1
    return [1 + tilt * off for tilt in _TILTS] + [1 + width * spread for width in _SPREADS]


def _rank(counts: NDArray[np.int64], place: int, chance: float) -> float:
    """The share of parts, itself included, that are lower; of equal ones a share by chance."""
    lower, equal = int(counts[:place].sum()), int(counts[place])
    return (lower + chance * (equal + 1)) / (int(counts.sum()) + 1)


def _bin(value: float) -> int:
    return min(max(int(value * BINS), 0), BINS - 1)
