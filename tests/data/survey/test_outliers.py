from pathlib import Path

import cv2
import numpy as np
import pytest

from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.survey.facts import facts_of
from slsg_edge.data.survey.outliers import find_outliers

SHARED = Path(__file__).resolve().parents[3] / "../shared/data"


def odd_in(folder):
    odd = find_outliers([facts_of(path) for path in sorted(folder.iterdir())])
    return {one.facts.path.name: one.reason for one in odd}


def with_a_spot(image):
    marked = image.copy()
    marked[20:28, 20:28] = image[20:28, 20:28].mean() + 25
    return marked


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda image: image // 4, "darker"),
        (lambda image: np.clip(image.astype(int) + 120, 0, 255).astype(np.uint8), "brighter|less"),
        (with_a_spot, "unlike|sharper"),
        (lambda image: np.random.default_rng(0).integers(0, 255, image.shape), "sharper"),
    ],
    ids=["dark", "bright", "spot", "noise"],
)
def test_what_is_unlike_the_other_parts_is_odd_and_the_rest_is_not(files, change, reason):
    files.parts(".", 60)
    assert odd_in(files.folder) == {}
    image = cv2.imread(str(files.folder / "011.png"))
    files.write("011.png", change(image))
    odd = odd_in(files.folder)
    assert set(odd) == {"011.png"}
    assert any(one in odd["011.png"] for one in reason.split("|"))


def test_few_images_have_no_spread_and_equal_ones_are_not_odd(files):
    files.parts("few", 19)
    files.write("few/dark.png", np.zeros((64, 64, 3), np.uint8))
    files.folder.joinpath("few/018.png").unlink()
    assert odd_in(files.folder / "few") == {}
    for index in range(30):
        files.write(f"equal/{index}.png", np.full((20, 20, 3), 90, np.uint8))
    assert odd_in(files.folder / "equal") == {}


def test_most_broken_bottles_among_good_ones_are_found_and_no_good_one():
    if not (SHARED / "bottle").is_dir():
        pytest.skip("no bottle beside the checkout")
    dataset = read_dataset(SHARED / "bottle")
    good = [facts_of(one.image) for one in dataset.samples if one.good]
    assert find_outliers(good) == []
    broken = [facts_of(one.image) for one in dataset.samples if one.kind == "broken_large"]
    found = sum(any(one.facts is bad for one in find_outliers([*good, bad])) for bad in broken[:8])
    assert found >= 5
