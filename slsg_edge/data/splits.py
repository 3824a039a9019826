"""Which good images are trained on and which are held out for the threshold.

By content, not by name or chance: an image falls on the same side today and in a year, under
any name, but for a few where too few would be held out, and its copies fall with it. So do images
that show the same (`groups`): all of a group fall where one of them does, which is chosen by
content, too.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from pathlib import Path

from slsg_edge.data.contents import content_hash as content_hash
from slsg_edge.data.contents import fingerprint as fingerprint
from slsg_edge.data.dataset import (
    TRAINING_MINIMUM,
    Dataset,
    require_enough,
    training_images,
)
from slsg_edge.data.groups import groups_of
from slsg_edge.errors import ConfigError
from slsg_edge.progress import Bars, no_progress

Paths = tuple[Path, ...]

TEST_SHARE = 0.2  # of the good images, where a data set has no split of its own

_HASH_DIGITS = 16  # the first of 64 decide
_HASH_END = 16**16


def train_and_holdout(
    dataset: Dataset, holdout: float, bars: Bars = no_progress
) -> tuple[Paths, Paths]:
    """The good images to train on, and those kept out.

    Images are opened only where some of `train/good` are to be held out, to keep those together
    that show the same.

    A data set with `validation/good` brings its own; then nothing of `train/good` is kept out.
    But a copy of an image that is held out or tested is never trained on, whatever its folder.
    Of so few that nearly all are needed to train on, nothing is held out. DatasetError when too
    few remain.
    """
    images = _without_copies(training_images(dataset), dataset)
    require_enough(images, dataset.folder)
    held_out_already = tuple(sample.image for sample in dataset.of("validation", good=True))
    if held_out_already:
        return images, held_out_already
    train, held_out = split_good(images, holdout, bars)
    if len(train) < TRAINING_MINIMUM and len(images) < 2 * TRAINING_MINIMUM:
        return images, ()
    require_enough(train, dataset.folder)
    return train, held_out


def split_good(
    paths: Sequence[Path], holdout: float, bars: Bars = no_progress
) -> tuple[Paths, Paths]:
    """(train, held out) in the order given; the share `holdout` (0 to 1) is held out at least, in
    whole images.

    No group of images that show the same is parted. Where some do and chance would have all
    groups on one side, one of them is on the other.
    """
    if not 0 <= holdout < 1:
        raise ConfigError(
            f"The share to hold out is {holdout}.", fix="Give a number from 0 to below 1."
        )
    if holdout == 0 or not paths:
        return tuple(paths), ()
    groups = groups_of(paths, bars)
    digests = [content_hash(path) for path in paths]
    places = _places(groups, digests)
    out = _held_out(groups, places, holdout, alike=len(places) < len(set(digests)))
    return _parted(paths, {path for path, group in zip(paths, groups, strict=True) if group in out})


def _held_out(
    groups: Sequence[int], places: Mapping[int, float], holdout: float, alike: bool
) -> Set[int]:
    """The groups that lie below the share, and where chance left less of the images there than
    that, as a threshold can ill spare, the next ones.

    Where images are `alike` there may be few groups, as of a few films, which chance often puts
    all on one side: then one is on the other.
    """
    sizes, wanted = Counter(groups), max(int(holdout * len(groups)), int(alike))
    first, count = [], 0
    for group in sorted(places, key=places.__getitem__):
        if places[group] >= holdout and count >= wanted:
            break
        first.append(group)
        count += sizes[group]
    return set(first[: len(places) - 1] if alike else first)


def _places(groups: Sequence[int], digests: Sequence[str]) -> dict[int, float]:
    """Where each group lies between 0 and 1: where one of its images does.

    Which one, the end of the hashes says: if it were the one that lies first, a large group would
    always be held out.
    """
    chosen: dict[int, str] = {}
    for group, digest in zip(groups, digests, strict=True):
        chosen[group] = min(chosen.get(group, digest), digest, key=lambda one: one[_HASH_DIGITS:])
    return {group: _position(digest) for group, digest in chosen.items()}


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
    return int(digest[:_HASH_DIGITS], 16) / _HASH_END


def _size(path: Path) -> int:
    """Bytes; -1 for what is not there, which whoever reads it will say."""
    try:
        return path.stat().st_size
    except OSError:
        return -1
