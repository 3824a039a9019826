import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.survey.duplicates import ALIKE, copies, near_duplicates
from slsg_edge.data.survey.facts import facts_of

SHARED = Path(__file__).resolve().parents[3] / "../shared/data"


def facts_in(folder):
    return [facts_of(path) for path in sorted(folder.iterdir())]


def names_of(pairs):
    return {frozenset((pair.first.path.name, pair.second.path.name)) for pair in pairs}


@pytest.fixture
def parts(files):
    files.parts(".", 40)
    return files.folder


def test_files_with_the_same_content_are_copies_and_nothing_else(parts):
    shutil.copy(parts / "003.png", parts / "x.png")
    shutil.copy(parts / "003.png", parts / "y.png")
    facts = facts_in(parts)
    assert [[one.path.name for one in group] for group in copies(facts)] == [
        ["003.png", "x.png", "y.png"]
    ]
    assert near_duplicates(facts) == []


@pytest.mark.parametrize(
    ("suffix", "change"),
    [
        (".jpg", lambda image: image),
        (".png", lambda image: cv2.resize(image, (128, 128))),
        (".png", lambda image: cv2.convertScaleAbs(image, alpha=1.08, beta=4)),
        (".png", lambda image: cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)),
    ],
    ids=["compressed", "resized", "brighter", "grey"],
)
def test_a_photo_saved_anew_is_found_and_parts_that_look_alike_are_not(parts, suffix, change):
    image = cv2.imread(str(parts / "007.png"))
    cv2.imwrite(str(parts / f"again{suffix}"), change(image))
    (pair,) = near_duplicates(facts_in(parts))
    assert names_of([pair]) == {frozenset(("007.png", f"again{suffix}"))}
    assert ALIKE <= pair.likeness <= 1.001


def test_few_images_and_images_without_anything_special_are_in_no_pair(files):
    files.parts("few", 3)
    assert near_duplicates(facts_in(files.folder / "few")) == []
    for value in range(20):
        files.write(f"flat/{value}.png", np.full((16, 16), value * 9, np.uint8))
    assert near_duplicates(facts_in(files.folder / "flat")) == []


def test_many_copies_of_one_photo_do_not_take_for_ever(parts):
    image = cv2.imread(str(parts / "007.png"))
    for index in range(120):
        copy = image.copy()
        copy[index // 64, index % 64] ^= 8
        cv2.imwrite(str(parts / f"copy{index}.png"), copy)
    pairs = near_duplicates(facts_in(parts))
    found = {name for pair in names_of(pairs) for name in pair}
    assert found == {"007.png", *(f"copy{index}.png" for index in range(120))}
    assert len(pairs) < 121 * 120 // 2


def test_real_parts_are_told_apart_and_their_copies_are_found(tmp_path):
    if not (SHARED / "bottle").is_dir():
        pytest.skip("no bottle beside the checkout")
    samples = read_dataset(SHARED / "bottle").samples
    facts = [facts_of(one.image) for one in samples]
    assert near_duplicates(facts) == []
    for index in range(0, len(facts), 30):
        image = cv2.imread(str(facts[index].path))
        smaller = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(tmp_path / f"{index}.jpg"), smaller, [cv2.IMWRITE_JPEG_QUALITY, 70])
    pairs = near_duplicates([*facts, *facts_in(tmp_path)])
    assert {(facts.index(pair.first), pair.second.path.name) for pair in pairs} == {
        (index, f"{index}.jpg") for index in range(0, len(facts), 30)
    }
