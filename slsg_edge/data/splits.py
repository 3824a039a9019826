"""Which good images are trained on and which are held out for the threshold.

By content, not by name or chance: an image falls on the same side today and in a year, under
any name, and its copies fall with it.
"""

import functools
import hashlib
from collections.abc import Iterable, Sequence, Set
from pathlib import Path

from slsg_edge.data.dataset import Dataset, require_enough, training_images
from slsg_edge.errors import ConfigError, DatasetError

Paths = tuple[Path, ...]

TEST_SHARE = 0.2  # of the good images, where a data set has no split of its own

_HASH_END = 16**16  # the first 16 of 64 hex digits decide
_REMEMBERED_HASHES = 2**17  # files: some 40 MB of memory at most


def train_and_holdout(dataset: Dataset, holdout: float) -> tuple[Paths, Paths]:
    """The good images to train on, and those kept out.

    A data set with `validation/good` brings its own; then nothing of `train/good` is kept out.
    But a copy of an image that is held out or tested is never trained on, whatever its folder.
    DatasetError when too few remain to train on.
    """
    images = _without_copies(training_images(dataset), dataset)
    require_enough(images, dataset.folder)
    held_out_already = tuple(sample.image for sample in dataset.of("validation", good=True))
    if held_out_already:
        return images, held_out_already
    train, held_out = split_good(images, holdout)
    require_enough(train, dataset.folder)
    return train, held_out


def split_good(paths: Sequence[Path], holdout: float) -> tuple[Paths, Paths]:
    """(train, held out) in the order given; about the share `holdout` (0 to 1) is held out."""
    if not 0 <= holdout < 1:
        raise ConfigError(
            f"The share to hold out is {holdout}.", fix="Give a number from 0 to below 1."
        )
    return _parted(paths, {path for path in paths if _position(content_hash(path)) < holdout})


def train_and_test(paths: Sequence[Path]) -> tuple[Paths, Paths]:
    """(train, test) in the order given, for good images that nobody has split.

    Those of the test lie at the other end of the hashes than what `split_good` holds out.
    """
    return _parted(
        paths, {path for path in paths if _position(content_hash(path)) >= 1 - TEST_SHARE}
    )


def in_test_share(content: bytes) -> bool:
    """Whether what has this content, or this name, is for the test."""
    return _position(hashlib.sha256(content).hexdigest()) >= 1 - TEST_SHARE


def content_hash(path: Path) -> str:
    """sha256 of a file, in hex; DatasetError when it cannot be read.

    A file is read once in a process: again only after its time, size or inode has changed.
    """
    try:
        state = path.stat()
        return _hash_of_state(path, state.st_mtime_ns, state.st_size, state.st_ino)
    except OSError as error:
        raise DatasetError(
            f"Cannot read {path}: {error.strerror}.",
            fix="Check that it exists and its permissions.",
        ) from error


def fingerprint(hashes: Iterable[str]) -> str:
    """One sha256 for a set of images, whatever their order and names."""
    return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()


@functools.lru_cache(_REMEMBERED_HASHES)
def _hash_of_state(path: Path, changed: int, size: int, inode: int) -> str:
    """The state of a file is part of the key, so that a changed file is read again."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _parted(paths: Sequence[Path], out: Set[Path]) -> tuple[Paths, Paths]:
    train = tuple(path for path in paths if path not in out)
    return train, tuple(path for path in paths if path in out)


def _without_copies(images: Paths, dataset: Dataset) -> Paths:
    """Sizes are compared first, so that few files are read."""
    others = [sample.image for sample in dataset.samples if sample.split != "train"]
    sizes = {_size(path) for path in others} & {_size(path) for path in images}
    kept_out = {content_hash(path) for path in others if _size(path) in sizes}
    return tuple(
        path for path in images if _size(path) not in sizes or content_hash(path) not in kept_out
    )


def _position(digest: str) -> float:
    """Where a hash lies between 0 and 1."""
    return int(digest[:16], 16) / _HASH_END


def _size(path: Path) -> int:
    """Bytes; -1 for what is not there, which whoever reads it will say."""
    try:
        return path.stat().st_size
    except OSError:
        return -1
