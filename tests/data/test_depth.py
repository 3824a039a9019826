"""Cameras of 10, 12 or 14 bit write files of 16: what is used is found, kept and read."""

import cv2
import numpy as np
import pytest

from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.loading import depth_of, load_frames
from slsg_edge.data.survey.survey import survey, survey_summary
from slsg_edge.errors import ConfigError
from slsg_edge.images import read_image
from slsg_edge.line.sources.source import open_source
from slsg_edge.preprocessing import Preprocessing

RAMP = np.linspace(0, 1, 32 * 32).reshape(32, 32)


def deep(folder, bits, name="a.png", colour=False):
    values = np.rint(RAMP * ((1 << bits) - 1)).astype(np.uint16)
    path = folder / name
    cv2.imwrite(str(path), np.dstack([values] * 3) if colour else values)
    return path


@pytest.mark.parametrize(("bits", "found"), [(8, 8), (10, 10), (12, 12), (14, 14), (16, None)])
def test_the_depth_is_found_from_the_largest_value(tmp_path, bits, found):
    dark = tmp_path / "dark.tif"
    cv2.imwrite(str(dark), np.ones((32, 32), np.uint16))
    assert depth_of([dark, deep(tmp_path, bits)]) == found


def test_files_of_8_bit_have_no_depth_and_those_that_are_left_aligned_need_none(tmp_path):
    plain = tmp_path / "a.png"
    cv2.imwrite(str(plain), np.full((8, 8), 200, np.uint8))
    assert depth_of([plain]) is None
    left = tmp_path / "b.png"
    cv2.imwrite(str(left), (np.rint(RAMP * 4095).astype(np.uint16) << 4))
    assert depth_of([left]) is None


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize(("bits", "name"), [(10, "a.png"), (12, "a.tif"), (14, "a.png")])
def test_all_grey_levels_are_read(tmp_path, bits, name, colour):
    image = read_image(deep(tmp_path, bits, name, colour), bits)
    assert image.shape == (32, 32, 3)
    assert len(np.unique(image)) == 256
    assert np.abs(image[..., 0] - RAMP * 255).max() <= 1
    assert len(np.unique(read_image(tmp_path / name))) <= 64


def test_what_is_brighter_than_the_depth_is_white_and_not_wrapped(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.array([[4095, 4096, 5000, 65535]], np.uint16))
    assert read_image(tmp_path / "a.png", 12).min() == 255


def test_the_depth_does_not_touch_files_of_8_bit(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((8, 8), 200, np.uint8))
    assert read_image(tmp_path / "a.png", 12).max() == 200


def test_training_and_the_line_read_alike(tmp_path):
    path = deep(tmp_path, 12)
    (trained,) = load_frames([path], Preprocessing(32, 32, depth=12))
    with open_source(tmp_path, depth=12) as frames:
        (seen,) = [frame.image for frame in frames]
    np.testing.assert_array_equal(trained, seen)
    assert len(np.unique(trained)) == 256


@pytest.mark.parametrize("depth", [7, 17])
def test_an_impossible_depth_is_an_error(depth):
    with pytest.raises(ConfigError, match=f"depth is {depth}"):
        Preprocessing(depth=depth)


def test_a_data_set_of_12_bit_is_a_finding(tmp_path):
    folder = tmp_path / "good"
    folder.mkdir()
    for number in range(4):
        deep(folder, 12, f"{number}.png")
    found = survey_summary(survey(read_dataset(folder)))
    (finding,) = [one for one in found["findings"] if one["name"] == "depth"]
    assert "use 12 of them" in finding["what"]
    assert "4095" in finding["examples"][0]
    assert found["groups"][0]["brightness"]["median"] > 100
