"""Folds of good images: images that show the same are never parted, and each is left out once."""

import numpy as np
import pytest

from slsg_edge.errors import ConfigError, DatasetError
from slsg_edge.training.folds import folds_of
from slsg_edge.training.frames import StoredFrames

GROUPS = [0, 1, 1, 2, 0, 3, 4, 4, 4, 5, 6, 7]


@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_each_image_is_in_one_fold_and_its_group_with_it(count):
    folds = folds_of(GROUPS, count, seed=3)
    assert len(folds) == count
    assert sorted(image for fold in folds for image in fold) == list(range(len(GROUPS)))
    for group in set(GROUPS):
        assert sum(any(GROUPS[image] == group for image in fold) for fold in folds) == 1
    largest = max(GROUPS.count(group) for group in set(GROUPS))
    assert max(map(len, folds)) - min(map(len, folds)) <= largest


def test_the_seed_alone_decides_and_neighbours_in_order_are_mixed():
    alone = list(range(60))
    first = folds_of(alone, 5, seed=0)
    assert first == folds_of(alone, 5, seed=0) != folds_of(alone, 5, seed=1)
    assert {len(fold) for fold in first} == {12}
    assert first[0] not in (alone[:12], alone[::5])


@pytest.mark.parametrize(
    ("groups", "count", "said"),
    [
        (GROUPS, 9, "8 kinds of images.*never parted.*at most 8"),
        ([0] * 30, 2, "1 kind of image.*Leave --folds out"),
    ],
)
def test_more_folds_than_groups_are_refused(groups, count, said):
    with pytest.raises(ConfigError, match=said):
        folds_of(groups, count, seed=0)


@pytest.mark.parametrize("groups", [range(4), [0] * 9 + [1, 2, 3]])
def test_a_fold_that_leaves_too_few_images_is_refused(groups):
    with pytest.raises(DatasetError, match=r"leaves [23] good images"):
        folds_of(groups, 2, seed=0)


def test_some_frames_of_a_file_are_frames_like_others(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(5, dtype=np.uint8)[:, None, None, None])
    frames = StoredFrames(tmp_path / "a.npy").only([3, 1])
    kind, arguments = frames.__reduce__()
    for some in (frames, kind(*arguments)):
        assert [int(some[place][0, 0, 0]) for place in range(len(some))] == [3, 1]
