"""From an image score to a verdict.

The threshold lives outside the graph so that it can change on the line without a rebuild.
Knows nothing about how a threshold was found: that is `calibration.threshold`.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from slsg_edge.contracts import Fault, Outcome, Prediction, Reason, Verdict
from slsg_edge.errors import ConfigError

# Scores are probabilities; their tail is modelled where it is not squeezed against 1.
LOGIT_LIMIT = 1e-7

BETWEEN_THRESHOLDS: Reason = "between_thresholds"


@dataclass(frozen=True, slots=True)
class Tail:
    """A generalised Pareto tail of the good scores, in logit units, above `location`.

    P(score > s) = `rate` * (1 + shape * (logit(s) - location) / scale) ** (-1 / shape)
    (Pickands 1975; Coles, An Introduction to Statistical Modeling of Extreme Values, eq. 4.2).
    """

    location: float
    scale: float
    shape: float
    rate: float

    def exceedance(self, score: float) -> float:
        """The false-alarm probability of a threshold at `score`, for scores above `location`."""
        excess = max(0.0, logit(score) - self.location) / self.scale
        if abs(self.shape) < 1e-9:
            return self.rate * math.exp(-excess)
        base = 1 + self.shape * excess
        return self.rate * base ** (-1 / self.shape) if base > 0 else 0.0

    def quantile(self, probability: float) -> float:
        """The score that a good part exceeds with `probability`, which is at most `rate`."""
        ratio = probability / self.rate
        if abs(self.shape) < 1e-9:
            return expit(self.location - self.scale * math.log(ratio))
        return expit(self.location + self.scale * (ratio**-self.shape - 1) / self.shape)


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold that could be chosen, and what it would do.

    false_alarm_rate: share of good parts that it rejects, as far as the good scores can show.
    interval: of the threshold. found: share of simulated anomalies above it, each kind and size
    counting alike; kinds, sizes: the same of each of them. missed: of so many real defects, where
    some were given. chosen: whether it is the bundle's.
    """

    false_alarm_rate: float
    threshold: float
    interval: tuple[float, float] | None = None
    found: float | None = None
    kinds: Mapping[str, float] = field(default_factory=dict)
    sizes: Mapping[str, float] = field(default_factory=dict)
    missed: int | None = None
    defects: int | None = None
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Threshold:
    """Scores above `value` are anomalous. `good_scores` is what it was found from, ascending.

    `images`: sha256 of the images of those scores; `reviewed`: those of them that came back from
    the line, rejected and found good by a person. `left_out`: how many of the scores are of images
    that the detector learned from, each by what it came to without that image. `simulated`: scores
    of simulated anomalies, by kind and size as in `texture, small`. `acquisitions`: the good scores
    of each day, lot or set-up, where there are several. `points`: the thresholds that
    it was chosen among; none for one of an earlier version. `undecided_above`: scores above it
    that are not above `value` are undecided. `chosen_by`: how it was chosen among the points.
    """

    value: float
    method: Literal["conformal", "tail", "manual"]
    false_alarm_rate: float | None = None
    interval: tuple[float, float] | None = None
    good_scores: tuple[float, ...] = ()
    tail: Tail | None = None
    data_fingerprint: str | None = None
    images: tuple[str, ...] = ()
    reviewed: tuple[str, ...] = ()
    left_out: int = 0
    simulated: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    acquisitions: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    points: tuple[OperatingPoint, ...] = ()
    undecided_above: float | None = None
    chosen_by: Literal["rate", "simulated anomalies", "defects and costs"] = "rate"

    def __post_init__(self) -> None:
        # no score is above 1 or NaN, so everything would pass as good
        if not 0 <= self.value < 1:
            raise ConfigError(
                f"The threshold {self.value:g} is not between 0 and 1.",
                fix="Give a number such as 0.5.",
            )
        if self.undecided_above is not None and not 0 <= self.undecided_above <= self.value:
            raise ConfigError(
                f"The undecided band begins at {self.undecided_above:g}, which is not between 0 "
                f"and the threshold {self.value:g}.",
                fix="Run `slsg-edge calibrate` again.",
            )


def logit(score: float) -> float:
    """ln(s / (1 - s)), clamped so that 0 and 1 stay finite."""
    clamped = min(max(score, LOGIT_LIMIT), 1 - LOGIT_LIMIT)
    return math.log(clamped / (1 - clamped))


def expit(value: float) -> float:
    """The inverse of `logit`."""
    small = math.exp(-abs(value))
    return 1 / (1 + small) if value >= 0 else small / (1 + small)


def p_value(score: float, threshold: Threshold) -> float | None:
    """How often a good part scores at least this high, as far as the good images can show.

    The conformal p-value (1 + #{good >= score}) / (n + 1) (Vovk et al. 2005, eq. 2.20), which is
    never below 1 / (n + 1). None without good scores.
    """
    scores = threshold.good_scores
    if not scores:
        return None
    as_high = len(scores) - bisect_left(scores, score)
    return (1 + as_high) / (len(scores) + 1)


def extrapolated_p_value(score: float, threshold: Threshold) -> float | None:
    """What the tail says beyond the largest good score; None where it says no more than that, or
    nothing, as one of scale 0.
    """
    shown = p_value(score, threshold)
    if shown is None or threshold.tail is None or score <= threshold.good_scores[-1]:
        return None
    try:
        beyond = threshold.tail.exceedance(score)
    except ArithmeticError:
        return None
    return beyond if 0 < beyond < shown else None


def judge(prediction: Prediction, threshold: Threshold) -> Verdict:
    """`undecided` for a score that is no number between 0 and 1 or lies in the undecided band,
    else by the threshold."""
    score = prediction.image_score
    if not math.isfinite(score) or not 0 <= score <= 1:
        return undecided(Fault("detector_failed", f"the detector gave the score {score}"))
    outcome, reason = outcome_of(score, threshold)
    return Verdict(
        outcome,
        score=score,
        threshold=threshold.value,
        p_value=p_value(score, threshold),
        reason=reason,
    )


def outcome_of(score: float, threshold: Threshold) -> tuple[Outcome, Reason | None]:
    """What a score between 0 and 1 comes to, and why where that is `undecided`."""
    if score > threshold.value:
        return "anomalous", None
    if threshold.undecided_above is not None and score > threshold.undecided_above:
        return "undecided", BETWEEN_THRESHOLDS
    return "good", None


def undecided(fault: Fault) -> Verdict:
    """The verdict of a frame that was not inspected."""
    return Verdict("undecided", reason=fault.reason, detail=fault.detail)
