"""What other thresholds would miss and reject on the same images.

A score above the threshold is anomalous, as in a verdict.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from slsg_edge.scoring import expit, logit

NEAR = 0.1  # logits above the highest score of all


@dataclass(frozen=True, slots=True)
class TradeoffRow:
    """rejected: good parts; missed: defects; own: this is the threshold that judged."""

    rejected: int
    missed: int
    threshold: float
    own: bool = False


@dataclass(frozen=True, slots=True)
class Youden:
    """The share of the defects that is found minus that of the good parts that is rejected.

    at_threshold: None without a threshold; best: over all thresholds, and one that reaches it.
    1 is perfect and 0 is chance (Youden, Cancer 3:32, 1950).
    """

    at_threshold: float | None
    best: float
    best_threshold: float


def tradeoff_of(
    good: Sequence[float], defective: Sequence[float], threshold: float | None
) -> tuple[TradeoffRow, ...]:
    """A row for 0, 1, 2, 4 and so on rejected, with what is missed least then, and one for
    `threshold`; none without scores of both.

    It ends where nothing is missed, or half of the good are rejected.
    """
    if not good or not defective:
        return ()
    good, defective = sorted(good), sorted(defective)
    rows = {(row.rejected, row.missed): row for row in _rows(good, defective)}
    enough = min((rejected for rejected, missed in rows if not missed), default=len(good))
    rows = {key: row for key, row in rows.items() if row.rejected <= enough}
    if threshold is not None:
        own = _row(good, defective, threshold, own=True)
        rows[own.rejected, own.missed] = own
    return tuple(rows[key] for key in sorted(rows, key=lambda key: (key[0], -key[1])))


def youden_of(
    good: Sequence[float], defective: Sequence[float], threshold: float | None
) -> Youden | None:
    """None without scores of both."""
    if not good or not defective:
        return None
    good, defective = sorted(good), sorted(defective)
    candidates = [value for value in _thresholds(good, defective) if value < 1] or [0.0]
    best = max(candidates, key=lambda value: _youden(good, defective, value))
    at_threshold = None if threshold is None else _youden(good, defective, threshold)
    return Youden(at_threshold, _youden(good, defective, best), best)


def errors_at(
    good: Sequence[float], defective: Sequence[float], threshold: float
) -> tuple[int, int]:
    """How many of the good (ascending) are rejected, and how many of the defective missed."""
    return len(good) - bisect_right(good, threshold), bisect_right(defective, threshold)


def between(lower: float, higher: float) -> float:
    """A short number that `lower` passes as good and `higher` does not; `lower` where none is."""
    middle = expit((logit(lower) + logit(higher)) / 2)
    short = (round(middle, digits) for digits in range(2, 18))
    return next((value for value in short if lower <= value < higher and 0 < value < 1), lower)


def _rows(good: Sequence[float], defective: Sequence[float]) -> list[TradeoffRow]:
    """The highest thresholds are the first; a good score of 1 is rejected by all of them."""
    wanted = [0, *(2**power for power in range(math.floor(math.log2(max(1, len(good) / 2))) + 1))]
    highest = [good[-1 - count] for count in wanted if count < len(good)]
    every = sorted({*good, *defective})
    return [_row(good, defective, _just_above(score, every)) for score in highest if score < 1]


def _row(
    good: Sequence[float], defective: Sequence[float], threshold: float, *, own: bool = False
) -> TradeoffRow:
    return TradeoffRow(*errors_at(good, defective, threshold), threshold, own)


def _just_above(score: float, every: Sequence[float]) -> float:
    """The score passes as good, and the next one of all does not; near the score where none is."""
    place = bisect_right(every, score)
    near = expit(logit(score) + NEAR)
    return between(score, every[place] if place < len(every) else max(near, score))


def _thresholds(good: Sequence[float], defective: Sequence[float]) -> list[float]:
    """One that lets nothing pass, and one just above each score."""
    every = sorted({*good, *defective})
    first = [] if every[0] == 0 else [between(0.0, every[0])]
    return [*first, *(_just_above(score, every) for score in every)]


def _youden(good: Sequence[float], defective: Sequence[float], threshold: float) -> float:
    rejected, missed = errors_at(good, defective, threshold)
    return 1 - missed / len(defective) - rejected / len(good)
