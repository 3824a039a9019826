"""Sums over the defective scores of a walk through the good ones: areas, precision, counts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slsg_edge.metrics.curves import Array, covered
from slsg_edge.metrics.runs import Block, Runs, Scores


@dataclass(frozen=True, slots=True)
class Lookup:
    """The defective scores of a block, ascending, and the false-positive rates they stand at.

    The first is the block's `low`, for `at_low` scores: one value may fill whole maps.
    """

    block: Block
    at_low: int
    scores: Scores
    above: Array
    with_ties: Array

    def rates(self, scores: Scores) -> tuple[Array, Array]:
        """`above` and `with_ties` of some of these scores."""
        places = np.searchsorted(self.scores, scores, "left")
        return self.above[places], self.with_ties[places]


def lookup(block: Block, runs: Runs, chosen: Sequence[int], good: int) -> Lookup:
    """`good`: how many good scores there are in all blocks.

    One search for all defective scores, in order, costs a fraction of one for each region: the
    good ones are many and the cache is small.
    """
    at_low, inner = runs.gather(chosen, block.low, block.high)
    scores = np.concatenate([np.array([block.low], inner.dtype), inner])
    below, not_above = block.ranks(scores)
    return Lookup(block, at_low, scores, 1 - not_above / good, 1 - below / good)


class Coverage:
    """For each run and limit, how much of the false-positive rates its scores are found at.

    The curve of the share found over the false-positive rate has, for one run, the area
    sum / length, so no curve is ever built.
    """

    def __init__(self, runs: Runs, chosen: Sequence[int], limits: Sequence[float]) -> None:
        self._runs, self._chosen, self._limits = runs, chosen, limits
        self._sums = np.zeros((len(chosen), len(limits)))

    def add(self, defective: Lookup) -> None:
        for row, run in enumerate(self._chosen):
            scores = self._runs.between(run, defective.block.low, defective.block.high)
            if len(scores):
                rates = defective.rates(scores)
                self._sums[row] += [covered(*rates, limit).sum() for limit in self._limits]

    def per_run(self) -> list[float]:
        """For each limit the mean over runs, each run alike; none without runs."""
        if not self._chosen:
            return []
        shares = self._sums / self._lengths()[:, None] / np.array(self._limits)
        return [float(share) for share in shares.mean(axis=0)]

    def per_score(self) -> list[float]:
        """For each limit the mean over scores, each score alike."""
        shares = self._sums.sum(axis=0) / self._lengths().sum() / np.array(self._limits)
        return [float(share) for share in shares]

    def _lengths(self) -> NDArray[np.int64]:
        return np.array([self._runs.length(run) for run in self._chosen])


class AveragePrecision:
    """The average precision of all defective scores, as `ranking.average_precision`."""

    def __init__(self, good: int, defective: int) -> None:
        self._good, self._defective = good, defective
        self._below = 0
        self._sum = 0.0

    def add(self, defective: Lookup) -> None:
        counts = np.ones(len(defective.scores), np.int64)
        counts[0] = defective.at_low
        before = counts.cumsum() - counts
        first = before[np.searchsorted(defective.scores, defective.scores, "left")]
        reached = self._defective - self._below - first
        precision = reached / (reached + defective.with_ties * self._good)
        self._sum += float((precision * counts).sum())
        self._below += int(counts.sum())

    def average(self) -> float:
        return self._sum / self._defective


def counts_above(runs: Runs, chosen: Sequence[int], thresholds: Array) -> NDArray[np.int64]:
    """(runs, thresholds): how many scores of a run are above each threshold."""
    counts = np.empty((len(chosen), len(thresholds)), np.int64)
    for row, run in enumerate(chosen):
        scores = runs.read(run)
        counts[row] = len(scores) - np.searchsorted(scores, thresholds, "right")
    return counts
