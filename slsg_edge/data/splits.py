"""Which good images are trained on and which are held out for the threshold.

By content, not by name or chance: an image falls on the same side today and in a year, under
any name, and its copies fall with it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from slsg_edge.data.layouts import Dataset, require_enough, training_images
from slsg_edge.errors import ConfigError, DatasetError

Paths = tuple[Path, ...]

_HASH_END = 16**16  # the first 16 of 64 hex digits decide


def train_and_holdout(dataset: Dataset, holdout: float) -> tuple[Paths, Paths]:
    """The good images to train on, and those kept out.

    A data set with `validation/good` brings its own; then nothing of `train/good` is kept out.
    DatasetError when too few remain to train on.
    """
    images = training_images(dataset)
    own = tuple(sample.image for sample in dataset.of("validation", good=True))
    if own:
        return images, own
    train, held_out = split_good(images, holdout)
    require_enough(train, dataset.folder)
    return train, held_out


def split_good(paths: Sequence[Path], holdout: float) -> tuple[Paths, Paths]:
    """(train, held out) in the order given; about the share `holdout` (0 to 1) is held out."""
    if not 0 <= holdout < 1:
        raise ConfigError(
            f"The share to hold out is {holdout}.", fix="Give a number from 0 to below 1."
        )
    out = {path for path in paths if _position(content_hash(path)) < holdout}
    train = tuple(path for path in paths if path not in out)
    return train, tuple(path for path in paths if path in out)


def content_hash(path: Path) -> str:
    """sha256 of a file, in hex; DatasetError when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DatasetError(
            f"Cannot read {path}: {error.strerror}.",
            fix="Check that it exists and its permissions.",
        ) from error


def fingerprint(hashes: Iterable[str]) -> str:
    """One sha256 for a set of images, whatever their order and names."""
    return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()


def _position(digest: str) -> float:
    """Where a hash lies between 0 and 1."""
    return int(digest[:16], 16) / _HASH_END
