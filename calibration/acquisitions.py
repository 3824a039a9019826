"""How much good images of one day, lot or set-up differ from those of another."""

import math
import statistics
from collections.abc import Mapping, Sequence

from slsg_edge.scoring import Threshold, logit

FEWEST = 3  # images, of which an acquisition says anything
ENOUGH = 19  # images, that can show 1 false alarm in 20
STEPS = 41  # of the shift that another acquisition may have, within three deviations


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

    Scores vary as within these acquisitions, around a mean that varies as between them. None
    where the spread is not known.
    """
    spread = spread_between(acquisitions)
    if spread is None:
        return None
    groups = [list(map(logit, some)) for some in acquisitions.values() if len(some) >= FEWEST]
    centre = statistics.mean(map(statistics.mean, groups))
    within = [value - statistics.mean(some) for some in groups for value in some]
    steps = [6 * step / (STEPS - 1) - 3 for step in range(STEPS)]
    weights = [math.exp(-step * step / 2) for step in steps]
    limit = logit(threshold)
    shares = [
        sum(centre + spread * step + value > limit for value in within) / len(within)
        for step in steps
    ]
    return sum(w * share for w, share in zip(weights, shares, strict=True)) / sum(weights)


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
