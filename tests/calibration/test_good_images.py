import shutil

import cv2
import numpy as np
import pytest

from slsg_edge.bundle.training_record import TrainedOn
from slsg_edge.calibration.images import (
    choose_comparison_images,
    choose_good_images,
    choose_range_images,
    scores_of,
)
from slsg_edge.contracts import Prediction
from slsg_edge.data.splits import content_hash, fingerprint
from slsg_edge.errors import DatasetError


def write(folder, count, seed=0):
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    paths = [folder / f"{index:03}.png" for index in range(count)]
    for path in paths:
        cv2.imwrite(str(path), random.integers(0, 255, (3, 3, 3), np.uint8))
    return paths


def trained_on(paths, holdout=()):
    return TrainedOn(frozenset(map(content_hash, paths)), frozenset(map(content_hash, holdout)))


def test_a_plain_folder_gives_every_image(tmp_path):
    paths = write(tmp_path / "a", 20)
    chosen = choose_good_images(tmp_path / "a", None)
    assert chosen.paths == tuple(paths)
    assert chosen.fingerprint == fingerprint(map(content_hash, paths))
    assert chosen.notes == ()


def test_a_data_set_gives_its_validation(tmp_path):
    write(tmp_path / "train/good", 5)
    paths = write(tmp_path / "validation/good", 3, seed=1)
    assert choose_good_images(tmp_path, None).paths == tuple(paths)


def test_a_data_set_without_validation_gives_what_was_held_out(tmp_path):
    paths = write(tmp_path / "train/good", 20)
    chosen = choose_good_images(tmp_path, trained_on(paths[:15], paths[15:]))
    assert chosen.paths == tuple(paths[15:])
    assert chosen.notes == ()
    with pytest.raises(DatasetError, match="no validation/good"):
        choose_good_images(tmp_path, None)


def test_images_that_were_trained_on_are_left_out_and_said(tmp_path):
    paths = write(tmp_path / "a", 20)
    chosen = choose_good_images(tmp_path / "a", trained_on(paths[:12]))
    assert chosen.paths == tuple(paths[12:])
    assert chosen.fingerprint == fingerprint(map(content_hash, paths[12:]))
    assert "trained on them: 12 images" in chosen.notes[0]


def test_where_too_few_others_remain_the_trained_ones_count_with_a_warning(tmp_path):
    paths = write(tmp_path / "a", 20)
    chosen = choose_good_images(tmp_path / "a", trained_on(paths[:13]))
    assert chosen.paths == tuple(paths)
    assert "trained on 13 of these images" in chosen.notes[0]
    assert "too low" in chosen.notes[0]


def test_a_renamed_image_that_was_trained_on_is_known_by_its_content(tmp_path):
    paths = write(tmp_path / "train/good", 5)
    write(tmp_path / "a", 10, seed=1)
    shutil.copy(paths[0], tmp_path / "a/renamed.png")
    chosen = choose_good_images(tmp_path / "a", trained_on(paths))
    assert "renamed.png" not in [path.name for path in chosen.paths]


def test_copies_count_once(tmp_path):
    paths = write(tmp_path / "a", 10)
    shutil.copy(paths[0], tmp_path / "a/copy.png")
    chosen = choose_good_images(tmp_path / "a", None)
    assert len(chosen.paths) == 10
    assert "count once: 1" in chosen.notes[0]


def test_int8_is_compared_on_good_images_that_were_not_trained_on(tmp_path):
    train = write(tmp_path / "train/good", 10)
    fresh = write(tmp_path / "validation/good", 9, seed=1)
    write(tmp_path / "test/good", 5, seed=2)
    chosen = choose_comparison_images(tmp_path, trained_on(train), 100)
    assert set(chosen.paths) == set(fresh)
    assert list(chosen.hashes) == sorted(map(content_hash, fresh))
    first = choose_comparison_images(tmp_path, trained_on(train), 4)
    assert first.paths == chosen.paths[:4]
    assert set(choose_comparison_images(tmp_path, None, 100).paths) == {*train, *fresh}


def test_where_too_few_others_remain_int8_is_compared_on_trained_images_too(tmp_path):
    paths = write(tmp_path / "a", 20)
    chosen = choose_comparison_images(tmp_path / "a", trained_on(paths[:13]), 100)
    assert set(chosen.paths) == set(paths)


def test_no_test_image_takes_part_in_int8(tmp_path):
    good = write(tmp_path / "train/good", 10)
    test = write(tmp_path / "test/good", 20, seed=1)
    for chosen in (
        choose_range_images(tmp_path, 100),
        choose_comparison_images(tmp_path, trained_on(good), 100),
    ):
        assert set(chosen.paths) == set(good)
        assert not set(chosen.paths) & set(test)


class Brightness:
    name = "brightness"

    def detect(self, frame):
        return Prediction(np.zeros((1, 1), np.float32), float(frame.mean() / 255))

    def close(self):
        pass


def test_scores_come_in_order_and_a_damaged_image_is_named(tmp_path):
    paths, steps = write(tmp_path / "a", 5), []
    scores = scores_of(Brightness(), paths, lambda: steps.append(1))
    assert scores == [cv2.imread(str(path)).mean() / 255 for path in paths]
    assert len(steps) == 5
    paths[2].write_bytes(b"")
    with pytest.raises(DatasetError, match=r"002\.png is empty"):
        scores_of(Brightness(), paths)
