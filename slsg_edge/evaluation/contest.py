"""Which of two detectors to take, from their verdicts on the same images.

A count that is better or worse by chance alone is said to be: only images on which the two
disagree count, by the exact sign test (McNemar's).
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from slsg_edge.contracts import Json, Outcome
from slsg_edge.evaluation.paired import Pair, PairedEvaluation
from slsg_edge.evaluation.verdicts import (
    Judgement,
    Part,
    judgement_of,
    judgement_summary,
    range_text,
)

Mark: TypeAlias = Literal["better", "worse", "same"]

CHANCE = 0.05  # below this probability, chance does not explain it
FASTER = 1.2  # times as fast, from which it is a reason


@dataclass(frozen=True, slots=True)
class Line:
    """A count of both; `sure`: chance alone does not explain the mark."""

    what: str
    first: Part
    second: Part
    mark: Mark
    sure: bool

    @property
    def change(self) -> str:
        """As `20 of 20 -> 0 of 20`."""
        return f"{self.first} -> {self.second}"

    @property
    def verdict(self) -> str:
        """The mark in words."""
        doubt = "" if self.sure or self.mark == "same" else ", but chance alone may explain it"
        return f"{self.mark}{doubt}"

    @property
    def ranges(self) -> tuple[str, str]:
        """The share of each with its interval."""
        return range_text(self.first), range_text(self.second)


@dataclass(frozen=True, slots=True)
class Contest:
    """Both as they are judged alone, what they differ by, and which one to take."""

    first: Judgement
    second: Judgement
    lines: tuple[Line, ...]
    recommendation: str


def contest_of(comparison: PairedEvaluation) -> Contest:
    """The second is meant to replace the first."""
    pairs = comparison.pairs
    first = judgement_of([pair.first for pair in pairs], comparison.thresholds[0])
    second = judgement_of([pair.second for pair in pairs], comparison.thresholds[1])
    lines = tuple(
        line
        for line in (
            _line("defects missed", first.misses, second.misses, _differing(pairs, "good")),
            _line(
                "good parts rejected", first.alarms, second.alarms, _differing(pairs, "anomalous")
            ),
            _line("undecided", first.undecided, second.undecided, _differing(pairs, "undecided")),
        )
        if line and (line.what != "undecided" or line.first.count or line.second.count)
    )
    words = _recommendation(comparison, lines, (first, second))
    return Contest(first, second, lines, words)


def contest_summary(comparison: PairedEvaluation) -> dict[str, Json]:
    """All of it, for machines."""
    contest = contest_of(comparison)
    sides = zip(comparison.names, (contest.first, contest.second), strict=True)
    return {
        "sides": [{"name": name, **judgement_summary(judgement)} for name, judgement in sides],
        "verdicts": [asdict(line) for line in contest.lines],
        "recommendation": contest.recommendation,
        "warnings": list(comparison.warnings),
    }


def by_chance(more: int, fewer: int) -> float:
    """How likely so uneven a split of `more + fewer` images is when neither side is favoured."""
    total = more + fewer
    tail = sum(math.comb(total, count) for count in range(min(more, fewer) + 1))
    return min(1.0, tail / 2 ** (total - 1)) if total else 1.0


def _differing(pairs: Sequence[Pair], outcome: Outcome) -> tuple[int, int]:
    """On how many images only the second, and only the first, gives this wrong verdict."""
    wrong = [
        (pair.first.outcome == outcome, pair.second.outcome == outcome)
        for pair in pairs
        if outcome == "undecided" or (pair.sample.good == (outcome == "anomalous") and pair.scored)
    ]
    return wrong.count((False, True)), wrong.count((True, False))


def _line(
    what: str, first: Part | None, second: Part | None, differing: tuple[int, int]
) -> Line | None:
    """None where one of them has no such image."""
    if first is None or second is None or not first.total or not second.total:
        return None
    mark: Mark = "same"
    if first.share != second.share:
        mark = "better" if second.share < first.share else "worse"
    return Line(what, first, second, mark, by_chance(*differing) < CHANCE)


def _recommendation(
    comparison: PairedEvaluation, lines: Sequence[Line], judged: tuple[Judgement, Judgement]
) -> str:
    first, second = comparison.names
    better, worse = ([line for line in lines if line.mark == mark] for mark in ("better", "worse"))
    if better and worse:
        text = _mixed(comparison, better, worse, judged)
    elif better:
        text = f"Take {second}: {_listed(better, 'fewer')}."
    elif worse:
        text = f"Keep {first}: with {second}, {_listed(worse, 'more')}."
    else:
        text = _equal(comparison)
    changed = [*better, *worse]
    if changed and not any(line.sure for line in changed):
        text += " So few images differ that chance alone may explain it: test more first."
    if all(judgement.state == "weak" for judgement in judged):
        text += " Neither is fit for a line: both miss more than half of the defects."
    return text


def _listed(lines: Sequence[Line], how: str) -> str:
    return " and ".join(f"{how} {line.what} ({line.change})" for line in lines)


def _mixed(
    comparison: PairedEvaluation,
    better: Sequence[Line],
    worse: Sequence[Line],
    judged: tuple[Judgement, Judgement],
) -> str:
    """What counts more is for people to say; both shares weighed alike are a hint."""
    text = (
        f"{comparison.names[1]} has {_listed(better, 'fewer')} but {_listed(worse, 'more')}: take "
        "it if the first counts more on your line."
    )
    first, second = map(_weighed_alike, judged)
    if first is None or second is None or first == second:
        return text
    return f"{text} Weighed alike, {comparison.names[second > first]} is ahead."


def _weighed_alike(judgement: Judgement) -> float | None:
    return judgement.youden.at_threshold if judgement.youden else None


def _equal(comparison: PairedEvaluation) -> str:
    first, second = comparison.names
    timed = comparison.latency.backends[-1] if comparison.latency else None
    same = f"{second} misses and rejects as many of these images"
    if timed and timed.speedup >= FASTER:
        return f"Take {second}: {same}, {timed.speedup:.1f} times as fast."
    return f"Keep {first}: {same}."
