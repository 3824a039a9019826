"""From an image score to a verdict.

The threshold lives outside the graph so that it can change on the line without a rebuild.
Knows nothing about how a threshold was found: that is `calibration.threshold`.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal

from slsg_edge.contracts import Prediction, Verdict
from slsg_edge.errors import ConfigError

# Scores are probabilities; their tail is modelled where it is not squeezed against 1.
LOGIT_LIMIT = 1e-7


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
class Threshold:
    """Scores above `value` are anomalous. `good_scores` is what it was found from, ascending.

    `images`: sha256 of the images of those scores; `reviewed`: those of them that came back from
    the line, rejected and found good by a person.
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

    def __post_init__(self) -> None:
        # no score is above 1 or NaN, so everything would pass as good
        if not 0 <= self.value < 1:
            raise ConfigError(
                f"The threshold {self.value:g} is not between 0 and 1.",
                fix="Give a number such as 0.5.",
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
    """How often a good part scores at least this high.

    The conformal p-value (1 + #{good >= score}) / (n + 1) (Vovk et al. 2005, eq. 2.20); beyond
    the largest good score, where that one can fall no further, the tail when there is one.
    None without good scores.
    """
    scores = threshold.good_scores
    if not scores:
        return None
    as_high = len(scores) - bisect_left(scores, score)
    conformal = (1 + as_high) / (len(scores) + 1)
    if as_high == 0 and threshold.tail is not None:
        return min(conformal, threshold.tail.exceedance(score))
    return conformal


def judge(prediction: Prediction, threshold: Threshold) -> Verdict:
    """`undecided` for a score that is no number between 0 and 1, else by the threshold."""
    score = prediction.image_score
    if not math.isfinite(score) or not 0 <= score <= 1:
        return undecided(f"the detector gave the score {score}")
    return Verdict(
        "anomalous" if score > threshold.value else "good",
        score=score,
        threshold=threshold.value,
        p_value=p_value(score, threshold),
    )


def undecided(reason: str) -> Verdict:
    """The verdict of a frame that was not inspected."""
    return Verdict("undecided", reason=reason)
