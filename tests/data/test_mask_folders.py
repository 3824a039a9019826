"""Masks are masks, wherever they lie and whatever tool wrote them; and photos are none."""

import cv2
import numpy as np
import pytest

from slsg_edge.data.layouts import read_as_it_is, read_dataset
from slsg_edge.data.masks import grey_of
from slsg_edge.data.survey.survey import survey
from slsg_edge.errors import DatasetError


@pytest.fixture
def sorted_parts(files):
    files.parts("good", 12)
    files.part(*(f"NG/crack/{index}.png" for index in range(3)))
    return files


def masks_of(dataset):
    return [[mask.name for mask in one.masks] for one in dataset.of("test", good=False)]


def findings_of(files):
    return {one.name: one for one in survey(read_as_it_is(files.folder)).findings}


@pytest.mark.parametrize(
    "place",
    [
        "mask/crack/{}.png",
        "Masks/NG/crack/{}_mask.png",
        "GT/{}_GT.png",
        "Ground Truth/crack/{}.png",
        "ground-truth/crack/{}_label.png",
        "NG/masks/crack/{}.png",
        "NG/crack/mask/{}.png",
        "NG/crack/{}_mask.png",
        "NG/crack/{}_label.png",
    ],
)
def test_masks_are_found_in_folders_of_known_names_and_beside_their_images(sorted_parts, place):
    sorted_parts.mask(*(place.format(index) for index in range(3)))
    dataset = read_dataset(sorted_parts.folder)
    assert dataset.layout == "folders"
    assert dataset.kinds == ("crack",)
    assert masks_of(dataset) == [[place.format(index).rpartition("/")[2]] for index in range(3)]
    assert dataset.stray_masks == dataset.left_out == ()


def test_a_mask_that_two_images_could_have_belongs_to_none(sorted_parts):
    sorted_parts.part("NG/hole/0.png")
    sorted_parts.mask("mask/0.png", "mask/1.png")
    dataset = read_dataset(sorted_parts.folder)
    assert masks_of(dataset) == [[], ["1.png"], [], []]
    assert [path.name for path in dataset.stray_masks] == ["0.png"]


@pytest.mark.parametrize("names", ["Labels/{}.png", "drawn/crack/{}_seg.png", "x/y_{}.png"])
def test_a_folder_of_masks_under_another_name_is_an_error_and_stops_a_training(sorted_parts, names):
    sorted_parts.mask(*(names.format(index) for index in range(3)))
    with pytest.raises(DatasetError, match=r"holds masks.*Call the folder of masks ground_truth"):
        read_dataset(sorted_parts.folder)
    found = findings_of(sorted_parts)["masks-as-images"]
    assert (found.severity, found.examples) == ("error", (names.rpartition("/")[0],))


def test_dark_and_drawn_photos_are_kinds_of_defect_like_others(sorted_parts):
    rng = np.random.default_rng(0)
    for index in range(3):
        dark = rng.integers(0, 12, (64, 64), dtype=np.uint8)
        sorted_parts.write(f"covered lens/{index}.png", dark)
        sorted_parts.write(f"black/{index}.png", np.zeros((64, 64), np.uint8))
        sorted_parts.mask(f"other size/{index}.png", side=40)
    kinds = read_dataset(sorted_parts.folder).kinds
    assert set(kinds) == {"crack", "covered lens", "black", "other size"}


@pytest.mark.parametrize("ending", ["_label", "_GT"])
def test_sorted_folders_stay_so_whatever_the_photos_are_called(files, ending):
    for name in ("good", "NG"):
        files.part(*(f"{name}/{index}.png" for index in range(6)))
        files.part(*(f"{name}/{index}{ending}.png" for index in range(6)))
    dataset = read_dataset(files.folder)
    assert dataset.layout == "folders"
    assert sum(one.good for one in dataset.samples) == 12
    assert "beside the folder of good images" in dataset.why


@pytest.mark.parametrize("ending", ["_label", "_GT"])
def test_photos_that_are_called_like_masks_make_no_kolektor(files, ending):
    files.part(
        *(
            f"line{line}/{index}{end}.png"
            for line in (1, 2)
            for index in (0, 1)
            for end in ("", ending)
        )
    )
    with pytest.raises(DatasetError, match="some in line1, line2"):
        read_dataset(files.folder)


def test_black_masks_of_good_images_are_no_images_and_others_are_strays(sorted_parts):
    sorted_parts.mask("good/000_mask.png", "good/001_mask.png", value=0)
    sorted_parts.mask("good/002_mask.png")
    dataset = read_dataset(sorted_parts.folder)
    assert sum(one.good for one in dataset.samples) == 12
    assert [path.name for path in dataset.stray_masks] == ["002_mask.png"]
    assert dataset.left_out == ()


@pytest.mark.parametrize("ending", ["_label", "_GT"])
def test_sorted_folders_with_masks_beside_their_images_stay_sorted(files, ending):
    for name in ("good", "NG"):
        files.part(*(f"{name}/{index}.png" for index in range(6)))
        value = 255 if name == "NG" else 0
        files.mask(*(f"{name}/{index}{ending}.png" for index in range(6)), value=value)
    dataset = read_dataset(files.folder)
    assert (dataset.layout, dataset.kinds) == ("folders", ("NG",))
    assert masks_of(dataset) == [[f"{index}{ending}.png"] for index in range(6)]


def test_masks_beside_the_images_of_a_split_are_no_images(files):
    files.part("train/good/0.png", "train/good/1.png", "test/good/0.png", "test/hole/0.png")
    files.mask("train/good/0_mask.png", value=0)
    files.mask("train/good/1_mask.png", "test/hole/0_mask.png")
    dataset = read_dataset(files.folder)
    assert [len(dataset.of(split)) for split in ("train", "test")] == [2, 2]
    assert masks_of(dataset) == [["0_mask.png"]]
    assert [path.name for path in dataset.stray_masks] == ["1_mask.png"]
    assert dataset.left_out == ()


def test_a_plain_folder_with_masks_in_it_is_not_all_good(files):
    files.part("0.png", "1.png")
    files.mask("1_mask.png")
    with pytest.raises(DatasetError, match=r"masks beside its images, as 1_mask\.png.*into bad/"):
        read_dataset(files.folder)


def write_mask(path, stored):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), stored)
    return path


def marked(dtype, value):
    mask = np.zeros((8, 8), dtype)
    mask[2:4, 2:4] = value
    return mask


def large(mask):
    return mask.repeat(8, 0).repeat(8, 1)


@pytest.mark.parametrize(
    ("stored", "grey"),
    [
        (marked(np.uint16, 1), 1),
        (marked(np.uint16, 255), 255),
        (marked(np.uint16, 65535), 255),
        (np.dstack([np.full((8, 8, 3), 255, np.uint8), marked(np.uint8, 255)]), 255),
        (np.dstack([np.zeros((8, 8, 3), np.uint8), marked(np.uint8, 128)]), 128),
        (np.dstack([marked(np.uint8, 200)] * 3 + [np.full((8, 8), 255, np.uint8)]), 200),
    ],
)
def test_a_mask_in_16_bit_or_in_the_opacity_is_read_as_it_is_meant(tmp_path, stored, grey):
    found = grey_of(write_mask(tmp_path / "m.png", stored))
    assert found.dtype == np.uint8
    assert (found > 0).sum() == 4
    assert found.max() == grey


def test_kolektor_masks_in_16_bit_are_not_black(files):
    files.part("train/0.png", "train/1.png", "train/2.png")
    files.mask("train/0_GT.png", value=0)
    write_mask(files.folder / "train/1_GT.png", large(marked(np.uint16, 1)))
    files.mask("train/2_GT.png", value=0)
    assert [one.kind for one in read_dataset(files.folder).of("train")] == [
        "good",
        "good",
        "defect",
    ]


def test_inverted_masks_are_an_error_and_one_large_defect_is_a_warning(sorted_parts):
    for index in range(3):
        sorted_parts.write(
            f"mask/{index}.png", 255 - marked(np.uint8, 255).repeat(8, 0).repeat(8, 1)
        )
    assert findings_of(sorted_parts)["mask-inverted"].severity == "error"
    sorted_parts.mask("mask/0.png")
    found = findings_of(sorted_parts)["mask-inverted"]
    assert (found.severity, found.count) == ("warning", 2)


def test_a_photo_in_place_of_a_mask_is_an_error(sorted_parts):
    sorted_parts.part("mask/crack/0.png")
    assert findings_of(sorted_parts)["mask-photo"].severity == "error"
