"""What a trained detector says of good images that it did not learn from, kept for the threshold.

`train` writes it, `calibrate` reads it: so every good image counts, also those learned from.
"""

import dataclasses
import json
from dataclasses import dataclass
from typing import Literal, TypeAlias

from slsg_edge.bundle.digests import JSON_LIMIT
from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.plan import GOOD_SCORES_FILE
from slsg_edge.config import json_from, require_shares, settings_from_table
from slsg_edge.contracts import SimulatedScore
from slsg_edge.errors import BundleError, ConfigError, UntrustedBundle

How: TypeAlias = Literal["left-out", "held-out"]


@dataclass(frozen=True, slots=True)
class GoodScore:
    """image: the sha256 of its file. how: by statistics that the image and its like were taken out
    of, or by the network that ships, which never learned from it. acquisition: when or where it
    was taken, as far as the data set says.
    """

    image: str
    score: float
    how: How
    acquisition: str = ""


@dataclass(frozen=True, slots=True)
class GoodScores:
    """simulated: of anomalies that were simulated in such images. folds: of how many trainings each
    left-out score is from, each without one fold of the images; 0 where each image was taken out
    of the statistics by itself.
    """

    good: tuple[GoodScore, ...] = ()
    simulated: tuple[SimulatedScore, ...] = ()
    folds: int = 0

    @property
    def left_out(self) -> dict[str, float]:
        """By sha256, the scores of images that were learned from, each without itself."""
        return {each.image: each.score for each in self.good if each.how == "left-out"}


def good_scores_file(scores: GoodScores) -> bytes:
    return json.dumps(dataclasses.asdict(scores)).encode()


def has_good_scores(bundle: Bundle) -> bool:
    """Whether training left some that can be used."""
    try:
        return bool(good_scores_of(bundle).good)
    except BundleError:
        return False


def good_scores_of(bundle: Bundle) -> GoodScores:
    """Empty for a bundle whose training left none, as one of an earlier version."""
    if not bundle.holds(GOOD_SCORES_FILE):
        return GoodScores()
    content = bundle.content(GOOD_SCORES_FILE)
    try:
        table = json_from(content.data, JSON_LIMIT)
        found = settings_from_table(GoodScores, table, content.path.name)
        require_shares("A share of an anomaly", *(each.share for each in found.simulated))
    except (ValueError, AttributeError, ConfigError) as error:
        raise UntrustedBundle(
            f"{content.path} is damaged: {error}",
            fix="Copy the bundle again; where it is whole, the detector is broken: train again.",
        ) from error
    return found
