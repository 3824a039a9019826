"""Images of a size at which a detector sees next to nothing."""

import cv2
import numpy as np
import pytest

from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.survey.survey import survey


def found_in(folder, shape, count=5):
    rng = np.random.default_rng(0)
    for number in range(count):
        noise = rng.integers(0, 255, (*shape, 3), dtype=np.uint8)
        assert cv2.imwrite(str(folder / f"{number}.png"), noise)
    return {finding.name: finding for finding in survey(read_dataset(folder)).findings}


@pytest.mark.parametrize("shape", [(8, 8), (1, 400), (400, 1), (1, 1), (31, 256)])
def test_images_that_hold_next_to_nothing(tmp_path, shape):
    finding = found_in(tmp_path, shape)["tiny-images"]
    assert finding.severity == "warning"
    assert finding.examples[0] == f"0.png, {shape[1]}x{shape[0]}"


@pytest.mark.parametrize("shape", [(40, 20_000), (1, 20_000), (20_000, 3)])
def test_line_scans_are_seen_coarsely(tmp_path, shape):
    finding = found_in(tmp_path, shape)["coarse-images"]
    assert finding.severity == "note"
    assert "--roi" in finding.fix


@pytest.mark.parametrize("shape", [(32, 32), (40, 4096)])
def test_other_images_are_not_spoken_of(tmp_path, shape):
    assert not {"tiny-images", "coarse-images"} & found_in(tmp_path, shape).keys()


@pytest.mark.parametrize(("count", "said"), [(1, "is only 1 good image to"), (3, "only 3 good")])
def test_too_few_to_train_on_says_how_many_it_takes(tmp_path, count, said):
    finding = found_in(tmp_path, (64, 64), count)["few-train"]
    assert said in finding.text
    assert "needs at least 4" in finding.text
