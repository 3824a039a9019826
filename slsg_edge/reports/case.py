"""One inspected image as a report sees it, and which images come first in it.

Knows nothing about files or detectors.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from slsg_edge.contracts import GOOD, Outcome
from slsg_edge.reports.layers import LayeredPicture
from slsg_edge.scoring import logit

OUTCOMES: tuple[Outcome, ...] = ("good", "anomalous", "undecided")


@dataclass(frozen=True, slots=True)
class Case:
    """An inspected image.

    name: its kind and its file, as in `scratch/003.png`
    kind: what it really is, `good` or a kind of defect
    outcome: the verdict
    score: None where it could not be scored
    picture: None beyond those that the page has room for
    reason: why it is undecided
    """

    name: str
    kind: str
    outcome: Outcome
    score: float | None
    picture: LayeredPicture | None = None
    reason: str | None = None

    @property
    def truth(self) -> Outcome:
        return "good" if self.kind == GOOD else "anomalous"

    @property
    def wrong(self) -> bool:
        """A miss or a false alarm; undecided is neither."""
        return self.outcome not in (self.truth, "undecided")

    @property
    def mistake(self) -> str:
        """The error in words; empty when the verdict is right or there is none."""
        if not self.wrong:
            return ""
        return "false alarm" if self.truth == "good" else "missed"

    @property
    def decided_score(self) -> float | None:
        """The score that a threshold can judge; None where the image was not inspected."""
        return self.score if self.score is not None and math.isfinite(self.score) else None


def worst_first(cases: Iterable[Case], threshold: float) -> list[Case]:
    return sorted(cases, key=lambda case: error_order(case, threshold))


def error_order(case: Case, threshold: float) -> tuple[int, float, str]:
    """Sorts errors first, the most certain one before the others; then undecided; then the rest,
    narrowest margin first.
    """
    score = case.decided_score
    margin = 0.0 if score is None else abs(logit(score) - logit(threshold))
    if case.wrong:
        return 0, -margin, case.name
    return 1 if case.outcome == "undecided" else 2, margin, case.name


def kinds_of(cases: Iterable[Case]) -> list[str]:
    """Good first, then the kinds of defect by name."""
    return sorted({case.kind for case in cases}, key=lambda kind: (kind != GOOD, kind))


def decided_scores(cases: Iterable[Case], truth: Outcome) -> list[float]:
    """The scores that count, of the good images or of the defective ones."""
    scores = (case.decided_score for case in cases if case.truth == truth)
    return [score for score in scores if score is not None]


def outcome_counts(cases: Iterable[Case]) -> Counter[Outcome]:
    """How many images have each verdict."""
    return Counter(case.outcome for case in cases)


def errors_of(cases: Sequence[Case], truth: Outcome) -> int:
    """False alarms for the good images, misses for the defective ones."""
    return sum(case.wrong and case.truth == truth for case in cases)
