from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from slsg_edge.data.groups import groups_of
from slsg_edge.data.layouts import read_dataset

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"


def paths_in(folder):
    return sorted(folder.iterdir())


def sets_of(paths, groups):
    """The names of each group that has more than one."""
    found = {}
    for path, group in zip(paths, groups, strict=True):
        found.setdefault(group, []).append(path.name)
    return [names for names in found.values() if len(names) > 1]


@pytest.fixture
def parts(files):
    files.parts(".", 40)
    return files.folder


def moved(image, by):
    """A frame of a film: a part that has moved on."""
    return np.roll(image, by, axis=1)


def test_parts_that_look_alike_are_alone_and_numbered_in_order(parts):
    assert groups_of(paths_in(parts)) == tuple(range(40))


def test_copies_and_photos_saved_anew_are_together(parts):
    (parts / "copy.png").write_bytes((parts / "003.png").read_bytes())
    image = cv2.imread(str(parts / "007.png"))
    cv2.imwrite(str(parts / "again.jpg"), image)
    cv2.imwrite(str(parts / "larger.jpg"), cv2.resize(image, (512, 512)))
    paths = paths_in(parts)
    assert sets_of(paths, groups_of(paths)) == [
        ["003.png", "copy.png"],
        ["007.png", "again.jpg", "larger.jpg"],
    ]


def test_frames_of_a_film_and_a_photo_that_was_moved_are_together(parts):
    images = [cv2.resize(cv2.imread(str(path)), (128, 128)) for path in paths_in(parts)[:4]]
    for number in range(8, 12):  # as text, 10 comes before 8
        cv2.imwrite(str(parts / f"film_{number}.png"), moved(images[0], number - 8))
    for name, by in (("a.png", 0), ("b.png", 1)):
        cv2.imwrite(str(parts / name), moved(images[3], by))
    paths = [path for path in paths_in(parts) if path.name not in ("000.png", "003.png")]
    assert sets_of(paths, groups_of(paths)) == [
        ["a.png", "b.png"],
        ["film_10.png", "film_11.png", "film_8.png", "film_9.png"],
    ]


def test_a_large_group_is_cut_into_runs_of_consecutive_paths(parts):
    random = np.random.default_rng(0)
    image = cv2.imread(str(parts / "007.png")).astype(int)
    for number in range(24):
        noise = random.integers(-1, 2, image.shape)
        cv2.imwrite(str(parts / f"x{number}.png"), np.clip(image + noise, 0, 255).astype(np.uint8))
    paths = paths_in(parts)
    found = sets_of(paths, groups_of(paths))
    order = [name for names in found for name in sorted(names, key=_number)]
    assert order == sorted(order, key=_number)
    assert [len(names) <= len(paths) // 4 for names in found] == [True, True]
    assert len(order) >= 20


def _number(name):
    """007 is the first of them."""
    return int(name[1:-4]) if name.startswith("x") else -1


def test_copies_of_one_file_are_never_parted(parts):
    for number in range(60):
        (parts / f"x{number}.png").write_bytes((parts / "003.png").read_bytes())
    groups = groups_of(paths_in(parts))
    assert sorted(Counter(groups).values())[-2:] == [1, 61]


def test_few_images_and_files_that_are_no_images(parts):
    few = paths_in(parts)[:3]
    copy = parts / "copy.png"
    copy.write_bytes(few[0].read_bytes())
    assert groups_of([]) == ()
    assert groups_of([*few, copy]) == (0, 1, 2, 0)
    for name, content in (("e.png", b""), ("f.png", b""), ("g.png", b"no"), ("h.png", b"no")):
        (parts / name).write_bytes(content)
    odd = [parts / "gone.png", *(parts / f"{name}.png" for name in "efgh")]
    assert groups_of([*few, *odd]) == (0, 1, 2, 3, 4, 4, 5, 5)


# Four magnetic tiles are there at two exposures each, and one bottle twice, with the same fibre.
@pytest.mark.parametrize(
    ("name", "pairs"), [("bottle", 1), ("magnetic_tile", 4), ("juice_bottle", 1)]
)
@pytest.mark.slow
def test_parts_of_real_products_are_nearly_all_alone(name, pairs):
    if not (SHARED / name).is_dir():
        pytest.skip(f"no {name} beside the checkout")
    paths = [one.image for one in read_dataset(SHARED / name).of("train", good=True)]
    assert len(set(groups_of(paths))) >= len(paths) - pairs
