import shutil

import cv2
import numpy as np
import pytest

from slsg_edge.data.dataset import TRAINING_MINIMUM
from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.splits import (
    TEST_SHARE,
    content_hash,
    fingerprint,
    split_good,
    train_and_holdout,
    train_and_test,
)
from slsg_edge.errors import ConfigError, DatasetError


@pytest.fixture
def paths(tmp_path):
    random = np.random.default_rng(0)
    files = [tmp_path / f"good/{index:03}.png" for index in range(200)]
    files[0].parent.mkdir()
    for path in files:
        cv2.imwrite(str(path), random.integers(0, 255, (16, 16, 3), np.uint8))
    return files


def test_about_the_wanted_share_is_held_out_and_nothing_is_lost(paths):
    train, held_out = split_good(paths, 0.2)
    assert sorted((*train, *held_out)) == paths
    assert 40 <= len(held_out) <= 60


@pytest.mark.parametrize("start", range(0, 160, 20))
def test_chance_leaves_no_less_than_the_share(paths, start):
    """By their hashes alone 1 to 15 of these 40 would be held out."""
    some = paths[start : start + 40]
    assert 8 <= len(split_good(some, 0.2)[1]) <= 15
    assert set(split_good(some, 0.2)[1]) <= set(split_good(some, 0.3)[1])


def test_an_image_stays_on_its_side_whatever_its_name_order_and_company(paths, tmp_path):
    _, held_out = split_good(paths, 0.2)
    renamed = tmp_path / "renamed.png"
    for path in paths[:20]:
        shutil.copy(path, renamed)
        assert split_good([paths[-1], renamed, path], 0.2)[1].count(renamed) == (path in held_out)


def test_copies_fall_together(paths, tmp_path):
    copies = [shutil.copy(path, tmp_path / f"copy_{path.name}") for path in paths]
    _, held_out = split_good([*paths, *copies], 0.2)
    assert len(held_out) == 2 * len({content_hash(path) for path in held_out})


def test_a_larger_share_keeps_what_was_held_out_before(paths):
    assert set(split_good(paths, 0.1)[1]) < set(split_good(paths, 0.3)[1])
    assert split_good(paths, 0)[1] == ()


@pytest.mark.parametrize("holdout", [-0.1, 1, float("nan")])
def test_a_share_outside_0_to_1_is_an_error(paths, holdout):
    with pytest.raises(ConfigError, match="from 0 to below 1"):
        split_good(paths, holdout)


def test_validation_good_is_the_holdout_where_there_is_one(paths, tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "good").rename(tmp_path / "train/good")
    dataset = read_dataset(tmp_path)
    train, held_out = train_and_holdout(dataset, 0.2)
    assert len(train) + len(held_out) == 200
    assert held_out
    (tmp_path / "validation/good").mkdir(parents=True)
    shutil.copy(train[0], tmp_path / "validation/good/000.png")
    copied = train[0]
    train, held_out = train_and_holdout(read_dataset(tmp_path), 0.2)
    assert len(train) == 199
    assert copied not in train
    assert [path.parent.parent.name for path in held_out] == ["validation"]


def test_a_copy_of_a_test_image_is_not_trained_on(paths, tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "good").rename(tmp_path / "train/good")
    (tmp_path / "test/hole").mkdir(parents=True)
    copied = tmp_path / "train/good/000.png"
    shutil.copy(copied, tmp_path / "test/hole/x.png")
    (tmp_path / "test/hole/gone.png").symlink_to("nowhere")
    train, held_out = train_and_holdout(read_dataset(tmp_path), 0.2)
    assert copied not in (*train, *held_out)
    assert len(train) + len(held_out) == 199


def test_the_test_takes_a_share_that_leaves_the_holdout_alone(paths):
    train, test = train_and_test(paths)
    assert sorted((*train, *test)) == paths
    assert len(test) == pytest.approx(TEST_SHARE * len(paths), rel=0.5)
    assert split_good(train, 0.2)[1] == split_good(paths, 0.2)[1]


def film_of(paths, seed, frames=10):
    """Frames of one noisy scene in each, in place of that many files."""
    random = np.random.default_rng(seed)
    for start in range(0, len(paths), frames):
        scene = random.integers(20, 230, (16, 16, 3))
        for path in paths[start : start + frames]:
            frame = scene + random.integers(-3, 4, scene.shape)
            cv2.imwrite(str(path), frame.astype(np.uint8))


def test_the_frames_of_a_film_are_on_one_side_and_about_the_share_is_held_out(paths):
    film_of(paths, 1)
    train, held_out = split_good(paths, 0.3)
    films = [{int(path.stem) // 10 for path in side} for side in (train, held_out)]
    assert not films[0] & films[1]
    assert 20 <= len(held_out) <= 100


def test_a_film_is_on_its_side_whatever_its_names(paths, tmp_path):
    film_of(paths, 1)
    (tmp_path / "other").mkdir()
    renamed = {}
    for index, path in enumerate(reversed(paths)):
        renamed[path] = shutil.copy(path, tmp_path / f"other/x{index:03}.png")
    _, held_out = split_good(paths, 0.3)
    assert set(split_good(list(renamed.values()), 0.3)[1]) == {renamed[path] for path in held_out}


@pytest.mark.parametrize("seed", range(4))
def test_a_few_films_are_never_all_on_one_side(paths, seed):
    """By chance none of four is below a tenth in two of three cases."""
    film_of(paths, seed, 50)
    for holdout in (0.1, 0.9):
        train, held_out = split_good(paths, holdout)
        assert len(train) >= 50
        assert len(held_out) >= 50


def test_of_films_one_is_held_out_where_the_share_is_less_than_an_image(paths):
    film_of(paths, 1, 50)
    assert len(split_good(paths, 0.004)[1]) == 50


def test_nothing_is_opened_where_nothing_is_held_out(paths, tmp_path, monkeypatch):
    monkeypatch.setattr("slsg_edge.data.splits.groups_of", None)
    dataset = read_dataset(tmp_path)
    assert train_and_holdout(dataset, 0.0) == (tuple(paths), ())
    (tmp_path / "train").mkdir()
    (tmp_path / "good").rename(tmp_path / "train/good")
    (tmp_path / "validation").mkdir()
    shutil.copytree(tmp_path / "train/good", tmp_path / "validation/good")
    (tmp_path / "validation/good/000.png").unlink()
    for path in (tmp_path / "validation/good").glob("1*"):
        path.unlink()
    train, held_out = train_and_holdout(read_dataset(tmp_path), 0.2)
    assert (len(train), len(held_out)) == (101, 99)


def test_holding_out_too_much_is_an_error(paths):
    for path in paths[12:]:
        path.unlink()
    with pytest.raises(DatasetError, match="at least 4"):
        train_and_holdout(read_dataset(paths[0].parent), 0.9)


def test_the_fingerprint_knows_the_content_and_not_the_order(paths):
    hashes = [content_hash(path) for path in paths]
    assert fingerprint(hashes) == fingerprint(reversed(hashes))
    assert fingerprint(hashes) != fingerprint(hashes[1:])
    paths[0].write_bytes(b"changed")
    assert content_hash(paths[0]) != hashes[0]


def test_an_image_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match=r"Cannot read .*gone\.png"):
        content_hash(tmp_path / "gone.png")


def test_of_so_few_that_all_are_needed_none_is_held_out(tmp_path):
    for index in range(TRAINING_MINIMUM):
        picture = np.full((16, 16, 3), 20 * index, np.uint8)
        cv2.imwrite(str(tmp_path / f"{index}.png"), picture)
    train, held_out = train_and_holdout(read_dataset(tmp_path), 0.9)
    assert (len(train), held_out) == (TRAINING_MINIMUM, ())
