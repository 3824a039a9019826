"""What a bundle knows already of the images that it is tested on."""

from collections.abc import Collection
from pathlib import Path

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.training_record import trained_on
from slsg_edge.data.dataset import Dataset
from slsg_edge.data.splits import content_hash
from slsg_edge.errors import DatasetError


def known_to(bundle: Bundle, dataset: Dataset, left_out: Collection[Path] = ()) -> tuple[str, ...]:
    """Notes; by content, whatever the files are called now.

    left_out: images that count by the score that they came to without having been learned from.
    """
    known = trained_on(bundle)
    if known is None:
        return ()
    tested = [
        hash_or_none(sample.image) for sample in dataset.of("test") if sample.image not in left_out
    ]
    trained, held_out = (
        sum(digest in some for digest in tested) for some in (known.train, known.holdout)
    )
    notes = []
    if left_out:
        notes.append(
            f"Good images that the detector learned from: {len(left_out)}. Each has the score that "
            "it came to when it was left out, and the map of the detector as it is. The threshold "
            "may be from these very scores, and then as few are rejected as it allows."
        )
    if trained:
        notes.append(
            f"Test images that the detector was trained on: {trained}. The figures are too good."
        )
    if held_out:
        notes.append(
            f"Test images that training held out for the threshold: {held_out}. False alarms come "
            "out too few."
        )
    return tuple(notes)


def hash_or_none(image: Path) -> str | None:
    """None for what cannot be read, which is undecided anyway."""
    try:
        return content_hash(image)
    except DatasetError:
        return None
