"""Scores and kinds of the test images to image figures, and what to know about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slsg_edge.contracts import GOOD
from slsg_edge.metrics.image_figures import image_figures, image_figures_by_kind
from slsg_edge.metrics.intervals import Figures
from slsg_edge.metrics.ranking import f1_max


@dataclass(frozen=True, slots=True)
class ImageOutcome:
    """`figures` over all kinds, empty when there are none; `kinds` with all good images each.

    `f1_max_threshold` is the one that the best F1 is reached at.
    """

    figures: Figures = field(default_factory=dict)
    kinds: Mapping[str, Figures] = field(default_factory=dict)
    f1_max_threshold: float | None = None
    notes: tuple[str, ...] = ()


def image_outcome(scored: Sequence[tuple[float, str]]) -> ImageOutcome:
    """`scored`: score and kind of each image that has a score."""
    scores, kinds = [score for score, _ in scored], [kind for _, kind in scored]
    try:
        figures = image_figures(scores, kinds)
    except ValueError as error:
        return ImageOutcome(notes=(no_figures("image", error),))
    _, threshold = f1_max(scores, [kind != GOOD for kind in kinds])
    return ImageOutcome(figures, image_figures_by_kind(scores, kinds), threshold)


def no_figures(what: str, error: ValueError) -> str:
    """The note on figures of `image` or `pixel` that metrics refused to give."""
    return f"No {what} figures: they {str(error).replace('needs', 'need')} {what}s."
