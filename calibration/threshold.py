"""The score threshold from good images alone.

With enough of them the conformal order statistic: the wanted false-alarm rate holds whatever the
scores look like, as long as the parts to come are like these. With fewer, the rate lies beyond
the largest score, and only a model of the tail can say where; then the threshold carries an
interval and a warning. Knows nothing about images or detectors, only their scores.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from slsg_edge.calibration.tail import VALUE_MAXIMUM, interval, tail_of, threshold_value
from slsg_edge.errors import ConfigError, DatasetError
from slsg_edge.metrics.combinations import log_combinations
from slsg_edge.scoring import Threshold, logit

FEWEST_IMAGES = 8  # images; the interval of fewer spans nearly everything
FALSE_ALARM_RATE = 0.001
LOOSEST_RATE = 1 / 20  # that is ever taken without being asked for


def threshold_from_scores(
    good_scores: Sequence[float], false_alarm_rate: float = FALSE_ALARM_RATE, seed: int = 0
) -> Threshold:
    """The threshold that a good part exceeds at `false_alarm_rate`; `seed` is the interval's.

    DatasetError for fewer than FEWEST_IMAGES scores, or one that is no number from 0 to 1.
    """
    scores = checked_scores(good_scores)
    check_enough(len(scores), false_alarm_rate)
    if len(scores) >= images_needed(false_alarm_rate):
        return _conformal(scores, false_alarm_rate)
    return _from_tail(scores, false_alarm_rate, seed)


def check_enough(count: int, false_alarm_rate: float = LOOSEST_RATE) -> None:
    """DatasetError for fewer images than FEWEST_IMAGES, ConfigError for a rate that is none."""
    needed = images_needed(false_alarm_rate)
    if count < FEWEST_IMAGES:
        raise DatasetError(
            f"{count} good images are too few for a threshold, which needs at least "
            f"{FEWEST_IMAGES}.",
            fix=f"Add good images that were not trained on; {needed} settle a false-alarm rate of "
            f"1 in {1 / false_alarm_rate:.0f}.",
        )


def threshold_by_hand(value: float, good_scores: Sequence[float] = ()) -> Threshold:
    """A threshold somebody chose; with good scores its verdicts still state p-values."""
    if not 0 < value < 1:
        raise ConfigError(
            f"The threshold {value:g} is not between 0 and 1.", fix="Give a number such as 0.5."
        )
    return Threshold(value, "manual", good_scores=checked_scores(good_scores))


def images_needed(false_alarm_rate: float) -> int:
    """How many good images give a conformal threshold: 999 for 1 in 1000.

    The smallest n with ceil((n + 1) (1 - rate)) <= n.
    """
    return math.ceil(1 / _exact(false_alarm_rate)) - 1


def advice(threshold: Threshold) -> str | None:
    """What a user must know before relying on the threshold; None when there is nothing."""
    scores, rate = threshold.good_scores, threshold.false_alarm_rate
    if scores and scores[0] == scores[-1]:
        return (
            f"All {len(scores)} good images have the same score, so they say nothing about how "
            "much good parts vary. Check the detector with `slsg-edge eval`."
        )
    if threshold.method != "tail" or rate is None:
        return None
    needed = images_needed(rate)
    return (
        f"{len(scores)} good images cannot show a false-alarm rate of 1 in {1 / rate:.0f}: the "
        f"threshold is extrapolated from the tail of their scores. {needed} would settle it "
        f"({needed - len(scores)} more). These {len(scores)} can show 1 in {len(scores) + 1}: "
        f"--false-alarms {shown_rate(len(scores)):g}"
    )


def shown_rate(count: int) -> float:
    """The smallest false-alarm rate, to a thousandth, that `count` good images can show."""
    return math.ceil(1000 / (count + 1)) / 1000


def _conformal(scores: tuple[float, ...], rate: float) -> Threshold:
    """The k-th smallest of n scores, k = ceil((n + 1) (1 - rate)).

    A new good part scores above it with a probability of at most `rate` (Vovk et al., Algorithmic
    Learning in a Random World, 2005, proposition 2.2; Papadopoulos et al., ECML 2002).
    """
    rank = math.ceil((len(scores) + 1) * (1 - _exact(rate)))
    return Threshold(
        min(scores[rank - 1], VALUE_MAXIMUM),
        "conformal",
        false_alarm_rate=rate,
        interval=_order_interval(scores, rate),
        good_scores=scores,
    )


def _order_interval(scores: tuple[float, ...], rate: float) -> tuple[float, float]:
    """At least 90 % sure to hold the score that good parts exceed at `rate` exactly.

    Between two order statistics, without assumptions (David and Nagaraja, Order Statistics, 2003,
    section 7.1); 1 where even the largest score may lie below.
    """
    below = _binomial_cumulative(len(scores), 1 - rate)  # [j]: at most j scores lie below it
    low = int(np.searchsorted(below, 0.05, side="right"))
    high = int(np.searchsorted(below, 0.95, side="left"))
    lowest = scores[low - 1] if low else 0.0
    return lowest, scores[high] if high < len(scores) else 1.0


def _binomial_cumulative(count: int, probability: float) -> NDArray[np.float64]:
    """(count + 1,): P(at most j of `count`)."""
    hits = np.arange(count + 1)
    mass = (
        log_combinations(count)
        + hits * math.log(probability)
        + hits[::-1] * math.log1p(-probability)
    )
    return np.asarray(np.exp(mass).cumsum())


def _from_tail(scores: tuple[float, ...], rate: float, seed: int) -> Threshold:
    logits = np.array([logit(score) for score in scores])
    tail = tail_of(logits)
    value = threshold_value(tail, logits, rate)
    low, high = interval(logits, tail, rate, seed)
    return Threshold(
        value,
        "tail",
        false_alarm_rate=rate,
        interval=(min(low, value), max(high, value)),
        good_scores=scores,
        tail=tail,
    )


def checked_scores(scores: Sequence[float]) -> tuple[float, ...]:
    """Ascending; DatasetError when one is no number from 0 to 1."""
    bad = sum(not 0 <= score <= 1 for score in scores)  # true of NaN
    if bad:
        raise DatasetError(
            f"{bad} of {len(scores)} scores are not between 0 and 1.",
            fix="The detector is broken: run `slsg-edge export` again, or train again.",
        )
    return tuple(sorted(map(float, scores)))


def _exact(rate: float) -> Fraction:
    """The rate as written in decimals, so that no rounding asks for one image more."""
    if not 0 < rate < 1:
        raise ConfigError(
            f"The false-alarm rate {rate:g} is not between 0 and 1.",
            fix="Give a number such as 0.001, 1 in 1000.",
        )
    return Fraction(str(float(rate)))
