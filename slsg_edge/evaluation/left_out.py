"""Scores of images that a detector learned from, as if it had not: those that training left."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.thresholds import own_threshold_name
from slsg_edge.calibration.images import moved, scores_of
from slsg_edge.progress import progress
from slsg_edge.runtime.detector import REFERENCE_BACKEND, BackendChoice, choose, open_choice
from slsg_edge.runtime.frame_check import frame_check_of


@dataclass(frozen=True, slots=True)
class LeftOutScore:
    """score: the reference's, without the image. learned: what the reference says of it now; None
    where the backend's scores are the reference's.
    """

    score: float
    learned: float | None = None

    def on_backend(self, now: float) -> float:
        """now: what the backend says of the image."""
        return self.score if self.learned is None else moved(self.score, self.learned, now)


def left_out_scores(
    bundle: Bundle, choice: BackendChoice, scores: Mapping[Path, float]
) -> dict[Path, LeftOutScore]:
    """For the backend that is chosen; the reference is asked where its scores may differ."""
    if not scores or own_threshold_name(choice.backend) is None:
        return {image: LeftOutScore(score) for image, score in scores.items()}
    with (
        closing(open_choice(bundle, choose(bundle, REFERENCE_BACKEND))) as reference,
        progress("scores of the reference", len(scores)) as advance,
    ):
        learned = scores_of(reference, scores, advance, frame_check_of(bundle, any_size=True))
    return {
        image: LeftOutScore(score, now)
        for (image, score), now in zip(scores.items(), learned, strict=True)
    }
