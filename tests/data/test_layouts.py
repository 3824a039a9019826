import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from slsg_edge.data.dataset import training_images
from slsg_edge.data.layouts import good_images, read_dataset
from slsg_edge.errors import DatasetError

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"


def draw(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.zeros((4, 4, 3), np.uint8))


@pytest.fixture
def mvtec(tmp_path):
    draw(*(tmp_path / f"train/good/{index:03}.png" for index in range(5)))
    draw(tmp_path / "test/good/000.png", tmp_path / "test/scratch/000.png")
    draw(tmp_path / "test/hole/000.jpg", tmp_path / "test/hole/001.png")
    draw(tmp_path / "ground_truth/hole/000_mask.png")
    return tmp_path


@pytest.fixture
def loco(mvtec):
    shutil.rmtree(mvtec / "ground_truth")
    draw(mvtec / "validation/good/000.png", mvtec / "validation/good/001.png")
    draw(*(mvtec / f"ground_truth/hole/000/{index:03}.png" for index in range(3)))
    return mvtec


def test_mvtec_is_recognised_with_the_masks_that_exist(mvtec):
    dataset = read_dataset(mvtec)
    assert dataset.layout == "mvtec"
    assert dataset.kinds == ("hole", "scratch")
    assert [len(sample.masks) for sample in dataset.of("test", good=False)] == [1, 0, 0]
    assert len(dataset.of("train")) == len(training_images(dataset)) == 5
    assert [sample.kind for sample in dataset.of("test", good=True)] == ["good"]


def test_loco_is_recognised_with_several_masks_of_one_image(loco):
    dataset = read_dataset(loco)
    assert dataset.layout == "loco"
    assert [len(sample.masks) for sample in dataset.of("test", good=False)] == [3, 0, 0]
    assert len(dataset.of("validation", good=True)) == 2


def test_a_plain_folder_is_all_good(tmp_path):
    draw(*(tmp_path / name for name in ("b.png", "a.JPG", "c.webp", "d.bmp")))
    dataset = read_dataset(tmp_path)
    assert dataset.layout == "plain"
    assert [path.name for path in training_images(dataset)] == ["a.JPG", "b.png", "c.webp", "d.bmp"]
    assert good_images(tmp_path) == list(training_images(dataset))


def test_hidden_files_folders_called_like_images_and_loops_do_no_harm(mvtec):
    good = mvtec / "train/good"
    (good / "._000.png").write_bytes(b"from a Mac")
    (good / ".DS_Store").write_bytes(b"")
    (good / "Thumbs.db").write_bytes(b"")
    (good / "folder.png").mkdir()
    (good / "loop.png").symlink_to("loop.png")
    (good / "gone.png").symlink_to("nowhere.png")
    (good / "up").symlink_to(mvtec)
    (mvtec / "test/again").symlink_to(mvtec / "test")
    (mvtec / "test/.hidden").mkdir()
    dataset = read_dataset(mvtec)
    assert len(dataset.of("train")) == 5
    assert len(dataset.of("test")) == 4


def test_good_images_of_a_data_set_are_its_validation(loco):
    assert [path.name for path in good_images(loco)] == ["000.png", "001.png"]
    shutil.rmtree(loco / "validation")
    with pytest.raises(DatasetError, match=r"no validation/good.*not trained on"):
        good_images(loco)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "There is no folder"),
        (lambda path: path.write_text("x"), "is a file.*Give the folder"),
        (lambda path: path.mkdir(), "holds no image.*train/good"),
        (lambda path: (path / "train/good").mkdir(parents=True), "holds no image"),
        (lambda path: draw(path / "train/god/0.png"), "has no folder 'good'.*Put the good images"),
        (lambda path: draw(path / "train/0.png"), "has no folder 'good'"),
        (lambda path: draw(path / "x/good/0.png"), "no image itself.*some in x.*Give one of them"),
        (lambda path: (path / "0.gif").mkdir(parents=True), "holds no image.*Known are .bmp"),
    ],
)
def test_a_folder_without_a_data_set_is_an_error_with_a_next_step(tmp_path, make, message):
    make(tmp_path / "data")
    with pytest.raises(DatasetError, match=message):
        read_dataset(tmp_path / "data")


@pytest.mark.parametrize("count", [1, 3])
def test_too_few_images_to_train_on_is_an_error_that_says_how_many(tmp_path, count):
    draw(*(tmp_path / f"{index}.png" for index in range(count)))
    with pytest.raises(DatasetError, match=rf"has {count} good images? .*at least 4.*Add good"):
        training_images(read_dataset(tmp_path))


def test_a_folder_without_permission_is_an_error(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    if os.access(tmp_path / "closed", os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(DatasetError, match=r"Cannot read .*closed.*permissions"):
        read_dataset(tmp_path / "closed")


@pytest.mark.parametrize(
    ("name", "layout", "counts"),
    [
        ("juice_bottle", "loco", (335, 30, 83, 71)),
        ("bottle", "mvtec", (209, 0, 83, 8)),
        ("magnetic_tile", "mvtec", (190, 0, 181, 133)),
    ],
)
def test_real_data_sets_are_read(name, layout, counts):
    if not (SHARED / name).is_dir():
        pytest.skip(f"no {name} beside the checkout")
    dataset = read_dataset(SHARED / name)
    masked = sum(bool(sample.masks) for sample in dataset.of("test", good=False))
    assert dataset.layout == layout
    assert tuple(len(dataset.of(s)) for s in ("train", "validation", "test")) == counts[:3]
    assert masked == counts[3]
