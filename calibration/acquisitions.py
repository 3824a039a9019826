"""How much good images of one day, lot or set-up differ from those of another."""

import math
import statistics
from bisect import bisect_right
from collections.abc import Mapping, Sequence

from slsg_edge.calibration.threshold import LOOSEST_RATE, images_needed
from slsg_edge.scoring import Threshold, logit

FEWEST = 3  # images, of which an acquisition says anything
ENOUGH = images_needed(LOOSEST_RATE)
STEPS = 201  # of the shift that another acquisition may have


def spread_between(acquisitions: Mapping[str, Sequence[float]]) -> float | None:
    """Standard deviation, in logits, of the mean score between acquisitions, over what chance
    would give.

    One-way random effects by moments (Searle, Casella and McCulloch, Variance Components, 1992,
    section 3.6), all acquisitions counting alike. None for fewer than two with FEWEST images.
    """
    groups = [list(map(logit, some)) for some in acquisitions.values() if len(some) >= FEWEST]
    if len(groups) < 2:
        return None
    by_chance = statistics.mean(statistics.variance(some) / len(some) for some in groups)
    between = statistics.variance(map(statistics.mean, groups))
    return math.sqrt(max(0.0, between - by_chance))


def rate_elsewhere(acquisitions: Mapping[str, Sequence[float]], threshold: float) -> float | None:
    """Share of good parts of another acquisition that a threshold would reject, in the mean.

    Scores vary as within these acquisitions, around a mean that varies as between them: by
    Student's t, since few acquisitions know neither their centre nor their spread well. None where
    the spread is not known.
    """
    spread = spread_between(acquisitions)
    if spread is None:
        return None
    groups = [list(map(logit, some)) for some in acquisitions.values() if len(some) >= FEWEST]
    centre = statistics.mean(map(statistics.mean, groups))
    within = sorted(value for some in groups for value in _residuals(some))
    limit, freedom = logit(threshold) - centre, len(groups) - 1
    reach = spread * math.sqrt(freedom * (1 + 1 / len(groups)))
    # x = sqrt(freedom) tan(angle) makes a power of the cosine of Student's density
    angles = [math.pi * ((step + 0.5) / STEPS - 0.5) for step in range(STEPS)]
    weights = [math.cos(angle) ** (freedom - 1) for angle in angles]
    above = [
        len(within) - bisect_right(within, limit - reach * math.tan(angle)) for angle in angles
    ]
    total = sum(weight * count for weight, count in zip(weights, above, strict=True))
    return total / (sum(weights) * len(within))


def _residuals(logits: Sequence[float]) -> list[float]:
    """As far from the true mean as they are from their own in so few."""
    mean, wider = statistics.mean(logits), math.sqrt(len(logits) / (len(logits) - 1))
    return [(value - mean) * wider for value in logits]


def acquisition_notes(threshold: Threshold) -> list[str]:
    """How each acquisition stands to the threshold, and what another day may do."""
    acquisitions = threshold.acquisitions
    if not acquisitions:
        return [
            "All good images count as taken on one occasion. Good parts of another day or light "
            "may be rejected more often: calibrate again with images of that."
        ]
    notes = [f"{len(acquisitions)} acquisitions: {_shares(acquisitions, threshold.value)}."]
    few = [name for name, scores in acquisitions.items() if len(scores) < ENOUGH]
    if few:
        notes.append(
            f"Fewer than {ENOUGH} images cannot show even 1 false alarm in 20 by themselves: "
            f"{', '.join(map(_called, few))}."
        )
    elsewhere = rate_elsewhere(acquisitions, threshold.value)
    if elsewhere is not None:
        notes.append(
            f"By the spread between them, another acquisition may have {elsewhere:.1%} of its good "
            "parts rejected, in the mean."
        )
    return notes


def _shares(acquisitions: Mapping[str, Sequence[float]], value: float) -> str:
    return ", ".join(
        f"{_called(name)} {sum(score > value for score in scores)} of {len(scores)} above"
        for name, scores in acquisitions.items()
    )


def _called(name: str) -> str:
    return name or "unnamed"
