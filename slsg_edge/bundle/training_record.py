"""Which images a bundle was trained on, by their content.

`train` writes it; whoever finds a threshold or tests leaves those images out.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from slsg_edge.bundle.digests import JSON_LIMIT
from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.plan import TRAINING_RECORD_FILE
from slsg_edge.config import json_from
from slsg_edge.errors import UntrustedBundle


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """sha256 of the images that `train` learned from, and of those it held out."""

    train: frozenset[str]
    holdout: frozenset[str]


def training_record(train: Sequence[str], holdout: Sequence[str]) -> bytes:
    """The file that `train` writes, of the sha256 of images."""
    return json.dumps({"train": list(train), "holdout": list(holdout)}).encode()


def trained_on(bundle: Bundle) -> TrainedOn | None:
    """None for a bundle whose images are not known, as after `import-slsg`."""
    if not bundle.holds(TRAINING_RECORD_FILE):
        return None
    content = bundle.content(TRAINING_RECORD_FILE)
    try:
        record = json_from(content.data, JSON_LIMIT)
        return TrainedOn(frozenset(record["train"]), frozenset(record["holdout"]))
    except (ValueError, KeyError, TypeError) as error:
        raise UntrustedBundle(
            f"{content.path} is damaged: {error}.", fix="Copy the bundle again."
        ) from error
