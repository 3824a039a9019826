"""Thresholds that good scores can show, what each would find, and which one to take.

A threshold that lets no good part be rejected may let every defect pass. So the strictest one is
taken that still finds nearly all simulated anomalies; no defect and no test image takes part.
Knows nothing about images or detectors, only their scores.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from slsg_edge.bundle.commands import number_text
from slsg_edge.calibration.tail import VALUE_MAXIMUM
from slsg_edge.calibration.threshold import (
    LOOSEST_RATE,
    check_enough,
    checked_scores,
    images_needed,
    shown_rate,
    threshold_from_scores,
)
from slsg_edge.contracts import SimulatedScore
from slsg_edge.errors import ConfigError
from slsg_edge.scoring import OperatingPoint, Threshold

LADDER = (*(1 / parts for parts in (1000, 300, 100, 50)), LOOSEST_RATE)
ENOUGH = 0.9  # share of simulated anomalies that a threshold must find to be strict
WEAK = 0.5  # below this share a threshold is called weak
FEWEST = 3  # anomalies of a kind and size, from which these count
# good scores may be odd: a mistaken photo, dirt, a light that flickered
ODD = 3

Simulated = Mapping[str, Sequence[float]]
"""Scores of simulated anomalies by kind and size."""


@dataclass(frozen=True, slots=True)
class AcquiredScore:
    """Of one good image; acquisition: when or where it was taken, empty where nobody said."""

    score: float
    acquisition: str = ""


def by_kind_and_size(scores: Iterable[SimulatedScore]) -> dict[str, tuple[float, ...]]:
    """Each under its kind and size, as in `texture, small`, ascending.

    DatasetError when one is no number from 0 to 1.
    """
    known = list(scores)
    checked_scores([each.score for each in known])
    cells: dict[str, list[float]] = defaultdict(list)
    for each in known:
        cells[f"{each.kind}, {each.size}"].append(each.score)
    return {name: tuple(sorted(cells[name])) for name in sorted(cells)}


def found_share(simulated: Simulated, value: float) -> float | None:
    """Share of simulated anomalies that score above `value`; each kind and size counts alike.

    None where there are none.
    """
    groups = counted_groups(simulated)
    if not groups:
        return None
    shares = [sum(score > value for score in scores) / len(scores) for scores in groups]
    return sum(shares) / len(shares)


def counted_groups(simulated: Simulated) -> list[Sequence[float]]:
    """The scores of each kind and size that counts: those with FEWEST, where there are any."""
    groups = [scores for scores in simulated.values() if len(scores) >= FEWEST]
    return groups or [scores for scores in simulated.values() if scores]


def acquired_scores(threshold: Threshold) -> tuple[AcquiredScore, ...]:
    """What the threshold was found from."""
    if not threshold.acquisitions:
        return tuple(map(AcquiredScore, threshold.good_scores))
    return tuple(
        AcquiredScore(score, name)
        for name, scores in threshold.acquisitions.items()
        for score in scores
    )


def by_acquisition(good: Sequence[AcquiredScore]) -> dict[str, tuple[float, ...]]:
    """Ascending, where there are two or more."""
    found: dict[str, list[float]] = defaultdict(list)
    for each in good:
        found[each.acquisition].append(each.score)
    several = len(found) > 1
    return {name: tuple(sorted(found[name])) for name in sorted(found)} if several else {}


def threshold_at(good: Sequence[AcquiredScore], rate: float) -> Threshold:
    """For the false-alarm rate over all images, and within each acquisition that can show it.

    Conformal prediction within groups (Vovk et al. 2005, section 4.5, Mondrian): the largest of
    the thresholds holds the rate in all of them. An acquisition that shows LOOSEST_RATE alone is
    held to what it can show, so that a stricter rate never has a lower threshold.
    """
    every = threshold_from_scores([each.score for each in good], rate)
    acquisitions = by_acquisition(good)
    least = images_needed(max(rate, LOOSEST_RATE))
    own = [_value_of(scores, rate) for scores in acquisitions.values() if len(scores) >= least]
    value = max(every.value, *own) if own else every.value
    low, high = every.interval or (value, value)
    return replace(every, value=value, interval=(low, max(high, value)), acquisitions=acquisitions)


def _value_of(scores: Sequence[float], rate: float) -> float:
    """Of one acquisition, ascending: its largest where so few cannot show the rate."""
    if len(scores) >= images_needed(rate):
        return threshold_from_scores(scores, rate).value
    return min(scores[-1], VALUE_MAXIMUM)


def choose_threshold(
    good: Sequence[AcquiredScore], simulated: Simulated, rate: float | None = None
) -> Threshold:
    """For `rate`, extrapolated where so many images cannot show it; None chooses among those that
    they can by the simulated anomalies (`chosen_point`).
    """
    points = operating_points(good, simulated)
    point = chosen_point(points, len(good)) if rate is None else point_at(good, simulated, rate)
    if point not in points:
        points = tuple(sorted((*points, point), key=lambda each: each.false_alarm_rate))
    return replace(
        threshold_at(good, point.false_alarm_rate),
        simulated={name: tuple(scores) for name, scores in simulated.items()},
        points=tuple(replace(each, chosen=each == point) for each in points),
        chosen_by="simulated anomalies" if rate is None and point.found is not None else "rate",
    )


def with_undecided_band(threshold: Threshold) -> Threshold:
    """The strictest of its points above, the loosest below; what lies between is undecided.

    ConfigError where the images can show one point alone.
    """
    shown = [each for each in threshold.points if is_shown(threshold, each)]
    # an acquisition that shows a rate looser than the ladder's counts for that one alone
    shown = [each for each in shown if each.threshold <= shown[0].threshold]
    if len(shown) < 2:
        needed = images_needed(LADDER[-2])
        raise ConfigError(
            f"{len(threshold.good_scores)} good images show one false-alarm rate alone, so there "
            "is no band between two.",
            fix=f"Give at least {needed} good images, or leave out --undecided-band.",
        )
    strict, loose = shown[0], shown[-1]
    return replace(at_point(threshold, strict), undecided_above=loose.threshold)


def at_point(threshold: Threshold, point: OperatingPoint) -> Threshold:
    """The same at another of its points, without an undecided band."""
    found = threshold_at(acquired_scores(threshold), point.false_alarm_rate)
    return replace(
        threshold,
        value=found.value,
        method=found.method,
        false_alarm_rate=found.false_alarm_rate,
        interval=found.interval,
        tail=found.tail,
        points=tuple(replace(each, chosen=each is point) for each in threshold.points),
        undecided_above=None,
    )


def is_shown(threshold: Threshold, point: OperatingPoint) -> bool:
    """Whether so many good images show its rate; else it is extrapolated."""
    return images_needed(point.false_alarm_rate) <= len(threshold.good_scores)


def operating_points(
    good: Sequence[AcquiredScore], simulated: Simulated, rates: Iterable[float] = LADDER
) -> tuple[OperatingPoint, ...]:
    """Of the rates that so many images can show, the strictest first; never an extrapolation.

    Where they can show none of the `rates`, the one that they can. DatasetError for too few.
    """
    check_enough(len(good))
    shown = [rate for rate in rates if images_needed(rate) <= len(good)]
    return tuple(point_at(good, simulated, rate) for rate in shown or [shown_rate(len(good))])


def point_at(good: Sequence[AcquiredScore], simulated: Simulated, rate: float) -> OperatingPoint:
    """What the threshold for this rate would do; extrapolated where the images cannot show it."""
    found = threshold_at(good, rate)
    return OperatingPoint(
        rate,
        found.value,
        found.interval,
        found_share(simulated, found.value),
        _shares(simulated, 0, found.value),
        _shares(simulated, 1, found.value),
    )


def chosen_point(points: Sequence[OperatingPoint], count: int) -> OperatingPoint:
    """The strictest that finds ENOUGH of the simulated anomalies, else the one that finds most.

    Without simulated anomalies the strictest. Of `count` good images no ODD ones alone may decide:
    a few odd ones among them would let every defect pass.
    """
    firm = [point for point in points if is_firm(point.false_alarm_rate, count)]
    enough = (point for point in firm if point.found is None or point.found >= ENOUGH)
    return next(enough, points[-1])


def is_firm(rate: float, count: int) -> bool:
    """Whether the threshold for this rate lies below the ODD highest of `count` good scores, so
    that it would hold without those."""
    return count - ODD >= (ODD + 1) * images_needed(rate)


def chosen_of(threshold: Threshold) -> OperatingPoint | None:
    """The point that is the bundle's; None for a threshold by hand or of an earlier version."""
    return next((each for each in threshold.points if each.chosen), None)


def weakness(threshold: Threshold) -> str | None:
    """Why this threshold is hardly of use, and what to do; None for one that is not weak."""
    passes_above = threshold.value  # what scores more is not good
    if threshold.undecided_above is not None:
        passes_above = threshold.undecided_above
    found = found_share(threshold.simulated, passes_above)
    if found is None or found >= WEAK:
        return None
    return (
        f"This threshold is weak: {1 - found:.0%} of the simulated anomalies pass as good, and so "
        f"may most defects. {_ways_out(threshold)}"
    )


def _ways_out(threshold: Threshold) -> str:
    good, count = acquired_scores(threshold), len(threshold.good_scores)
    rates = [rate for rate in (*reversed(LADDER), 0.1, 0.2) if images_needed(rate) <= count]
    rates = [rate for rate in rates if rate > (threshold.false_alarm_rate or 0)]
    better = [point_at(good, threshold.simulated, rate) for rate in sorted(rates)]
    way = next((each for each in better if each.found and each.found >= WEAK), None)
    more = images_needed(LADDER[-1]) - count
    ways = []
    if way:
        ways.append(
            f"allow more false alarms, `--false-alarms {number_text(way.false_alarm_rate)}` finds "
            f"{way.found:.0%}"
        )
    if more > 0:
        ways.append(f"give {more} more good images, which show 1 in 20")
    else:
        ways.append(
            f"train again with more good images, as with {2 * count} of them, or with another "
            "--detector"
        )
    return f"Ways out: {'; or '.join(ways)}."


def _shares(simulated: Simulated, part: int, value: float) -> dict[str, float]:
    """Share found of each kind (part 0) or size (part 1), the other counting alike."""
    cells: dict[str, dict[str, Sequence[float]]] = defaultdict(dict)
    for name, scores in simulated.items():
        cells[name.split(", ")[part]][name] = scores
    shares = {name: found_share(some, value) for name, some in cells.items()}
    return {name: share for name, share in shares.items() if share is not None}
