"""Good images in folds, each to be left out once: images that show the same are never parted."""

from collections.abc import Sequence

import numpy as np

from slsg_edge.config import require
from slsg_edge.data.dataset import TRAINING_MINIMUM
from slsg_edge.errors import DatasetError

ENOUGH = 5  # folds, from which a training learns from four fifths of the images


def folds_of(groups: Sequence[int], count: int, seed: int) -> list[list[int]]:
    """The images of each fold, ascending, from the number of each image's group.

    Groups fall by chance, the largest first and each where the fewest images are. ConfigError for
    more folds than groups, DatasetError where a fold leaves too few images to learn from.
    """
    members: dict[int, list[int]] = {}
    for image, group in enumerate(groups):
        members.setdefault(group, []).append(image)
    _require_groups(len(members), count)
    order = np.random.default_rng(seed).permutation(len(members)).tolist()
    shuffled = [list(members.values())[place] for place in order]
    folds: list[list[int]] = [[] for _ in range(count)]
    for some in sorted(shuffled, key=len, reverse=True):
        min(folds, key=len).extend(some)
    _require_rest(len(groups) - max(map(len, folds)), count)
    return [sorted(fold) for fold in folds]


def _require_groups(groups: int, count: int) -> None:
    fix = f"Give at most {groups}." if groups >= 2 else "Leave --folds out."
    shown = "1 kind of image" if groups == 1 else f"{groups} kinds of images"
    require(
        count <= groups,
        f"--folds is {count}, and the data set has {shown}: copies, near-duplicates and frames of "
        "one film are one kind, and are never parted.",
        fix,
    )


def _require_rest(rest: int, count: int) -> None:
    if rest < TRAINING_MINIMUM:
        raise DatasetError(
            f"Of {count} folds, one leaves {rest} good images to train on, and training needs at "
            f"least {TRAINING_MINIMUM}.",
            fix="Add good images, give more --folds, or leave --folds out.",
        )
