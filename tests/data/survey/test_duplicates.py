"""Which photos are the same, and which are of parts that look alike."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from slsg_edge.data.groups import groups_of
from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.survey.candidates import films
from slsg_edge.data.survey.comparison import VISIBLE, difference, photo
from slsg_edge.data.survey.duplicates import copies, near_duplicates
from slsg_edge.data.survey.facts import facts_of
from slsg_edge.data.survey.survey import survey

SHARED = Path(__file__).resolve().parents[3] / "../shared/data"
SIDE = 200


def facts_in(folder):
    return [facts_of(path) for path in sorted(folder.rglob("*.*"))]


def same_in(folder):
    return near_duplicates(facts_in(folder))[0]


def names_of(pairs):
    return {frozenset((pair.first.path.name, pair.second.path.name)) for pair in pairs}


def _design(seed):
    random = np.random.default_rng(seed)
    picture = np.full((SIDE, SIDE), 150, np.uint8)
    cv2.circle(picture, (100, 100), 80, 110 + 20 * seed, -1)
    for _ in range(10):
        x, y = (int(one) for one in random.integers(40, 150, 2))
        cv2.rectangle(picture, (x, y), (x + 16, y + 22), int(random.integers(60, 200)), -1)
    return picture


def part(number, *, noise=1.0):
    """Of two designs, a little brighter on one side, with one mark of 5 pixels of its own."""
    random = np.random.default_rng(100 + number)
    slope = 1 + random.normal(0, 0.05) * np.linspace(-0.5, 0.5, SIDE)
    picture = np.clip(_design(number % 2) * slope, 0, 255)
    x, y = random.integers(50, 146, 2)
    picture[y : y + 5, x : x + 5] -= 40
    return np.clip(picture + random.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def two_designs(tmp_path_factory):
    """40 parts to train on and 20 to test with."""
    folder = tmp_path_factory.mktemp("two_designs")
    for name, numbers in (("train/good", range(40)), ("test/good", range(40, 60))):
        (folder / name).mkdir(parents=True)
        for number in numbers:
            cv2.imwrite(str(folder / name / f"{number:03}.png"), part(number))
    return folder


def test_parts_of_two_designs_are_valid_and_alike(two_designs):
    found = survey(read_dataset(two_designs))
    assert found.valid
    names = {one.name: one.severity for one in found.findings}
    assert names["look-alikes"] == "note"
    assert not [name for name in names if name.startswith("near")]


def test_parts_of_two_designs_are_alone_in_their_groups(two_designs):
    paths = sorted((two_designs / "train/good").iterdir())
    assert groups_of(paths) == tuple(range(40))


def jpeg(picture, quality=60):
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 0)


CHANGES = {
    "jpeg 60": jpeg,
    "half": lambda one: cv2.resize(one, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "brighter": lambda one: cv2.convertScaleAbs(one, alpha=1.1, beta=6),
    "mirrored": lambda one: one[:, ::-1].copy(),
    "turned": lambda one: cv2.rotate(one, cv2.ROTATE_90_CLOCKWISE),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_copy_of_one_of_them_is_found(two_designs, tmp_path, change):
    shutil.copytree(two_designs, tmp_path, dirs_exist_ok=True)
    cv2.imwrite(str(tmp_path / "test/good/copy.png"), change(part(7)))
    found = survey(read_dataset(tmp_path))
    assert names_of(found.pairs) == {frozenset(("007.png", "copy.png"))}
    assert not found.valid


@pytest.mark.parametrize("by", [0, 3], ids=["at the start", "elsewhere"])
@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_a_mark_is_seen_and_a_crop_is_explained(by, noise):
    one = cv2.cvtColor(part(1, noise=noise), cv2.COLOR_GRAY2BGR)
    cropped = one[by : SIDE - 4 + by, 4:]
    assert difference(photo(one), photo(cropped)).visible < VISIBLE / 2
    marked = cropped.copy()
    marked[90:95, 100:105] -= 40
    assert difference(photo(one), photo(marked)).visible > VISIBLE


def test_a_mark_that_differs_in_colour_alone_is_seen():
    one = np.full((96, 96, 3), (60, 120, 90), np.uint8)
    one[30:60, 30:60] = (60, 60, 200)
    other = one.copy()
    other[30:60, 30:60] = (200, 87, 86)  # as bright
    assert difference(photo(one), photo(other)).visible > VISIBLE


def test_frames_of_a_film_are_nearer_to_each_other_than_to_what_stands_elsewhere():
    parts = np.stack([facts_thumbnail(part(number)) for number in range(40)])
    following = [(index, index + 1) for index in range(39)]
    assert films(parts, following) == []
    scene = cv2.cvtColor(_design(5), cv2.COLOR_GRAY2BGR)
    film = np.stack([facts_thumbnail(np.roll(scene, by, axis=1)) for by in (0, 1, 2)])
    frames = np.concatenate([parts[:20], film, parts[20:]])
    following = [(index, index + 1) for index in range(42)]
    assert films(frames, following) == [(20, 21), (21, 22)]


def facts_thumbnail(picture):
    colour = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    return cv2.resize(colour, (32, 32), interpolation=cv2.INTER_AREA)


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
    assert near_duplicates(facts)[0] == []


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
    assert names_of(same_in(parts)) == {frozenset(("007.png", f"again{suffix}"))}


def test_few_images_and_images_without_anything_special_are_in_no_pair(files):
    files.parts("few", 3)
    assert same_in(files.folder / "few") == []
    for value in range(20):
        files.write(f"flat/{value}.png", np.full((16, 16), value * 9, np.uint8))
    assert same_in(files.folder / "flat") == []


def test_many_copies_of_one_photo_do_not_take_for_ever(parts):
    image = cv2.imread(str(parts / "007.png"))
    for index in range(120):
        copy = image.copy()
        copy[index // 64, index % 64] ^= 8
        cv2.imwrite(str(parts / f"copy{index}.png"), copy)
    pairs = same_in(parts)
    found = {name for pair in names_of(pairs) for name in pair}
    assert found == {"007.png", *(f"copy{index}.png" for index in range(120))}
    assert len(pairs) < 121 * 120 // 2


@pytest.mark.slow
def test_real_parts_are_told_apart_and_their_copies_are_found(tmp_path):
    if not (SHARED / "bottle").is_dir():
        pytest.skip("no bottle beside the checkout")
    samples = read_dataset(SHARED / "bottle").samples
    facts = [facts_of(one.image) for one in samples]
    assert near_duplicates(facts)[0] == []
    for index in range(0, len(facts), 30):
        image = cv2.imread(str(facts[index].path))
        smaller = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(tmp_path / f"{index}.jpg"), smaller, [cv2.IMWRITE_JPEG_QUALITY, 70])
    pairs, _ = near_duplicates([*facts, *facts_in(tmp_path)])
    assert {(facts.index(pair.first), pair.second.path.name) for pair in pairs} == {
        (index, f"{index}.jpg") for index in range(0, len(facts), 30)
    }
