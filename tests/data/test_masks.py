import cv2
import numpy as np
import pytest

from slsg_edge.contracts import Sample
from slsg_edge.data.masks import channels_of, mask_of
from slsg_edge.data.saturation import DefectRule
from slsg_edge.errors import DatasetError


def sample_with(folder, *masks):
    paths = tuple(folder / f"{index:03}.png" for index in range(len(masks)))
    for path, mask in zip(paths, masks, strict=True):
        cv2.imwrite(str(path), mask.astype(np.uint8) * 255)
    return Sample(folder / "image.png", "test", "hole", paths)


def rectangle(shape, rows, columns):
    mask = np.zeros(shape, bool)
    mask[slice(*rows), slice(*columns)] = True
    return mask


def test_several_masks_of_one_image_are_united(tmp_path):
    left = rectangle((40, 60), (0, 10), (0, 10))
    right = rectangle((40, 60), (5, 20), (50, 60))
    sample = sample_with(tmp_path, left, right)
    np.testing.assert_array_equal(mask_of(sample, (40, 60, 3)), left | right)


def test_a_good_image_has_an_empty_mask(tmp_path):
    assert not mask_of(Sample(tmp_path / "a.png", "test"), (4, 5, 3)).any()


def test_a_mask_of_another_size_is_an_error(tmp_path):
    sample = sample_with(tmp_path, np.ones((40, 60), bool))
    with pytest.raises(DatasetError, match=r"000\.png is 60x40 but its image is 50x40"):
        mask_of(sample, (40, 50, 3))


def grey_sample(folder, *masks):
    paths = tuple(folder / f"{index:03}.png" for index in range(len(masks)))
    for path, mask in zip(paths, masks, strict=True):
        cv2.imwrite(str(path), mask.astype(np.uint8))
    return Sample(folder / "image.png", "test", "hole", paths)


def test_every_mask_file_is_a_channel_of_its_own(tmp_path):
    masks = rectangle((20, 30), (0, 10), (0, 10)), rectangle((20, 30), (5, 15), (5, 25))
    channels = channels_of(sample_with(tmp_path, *masks), (20, 30, 3))
    for channel, mask in zip(channels, masks, strict=True):
        np.testing.assert_array_equal(channel.mask, mask)
        assert channel.saturation is None


def test_the_grey_value_names_the_rule_of_a_channel(tmp_path):
    area = rectangle((20, 30), (0, 10), (0, 10))
    sample = grey_sample(tmp_path, area * 255, area * 254)
    rules = {255: DefectRule("gap", 0.25, True), 254: DefectRule("dirt", 7, False)}
    channels = channels_of(sample, (20, 30, 3), rules)
    assert [(one.name, one.saturation) for one in channels] == [("gap", 25), ("dirt", 7)]
    assert all(one.mask.sum() == 100 for one in channels)


def test_a_grey_value_without_a_rule_is_an_error_that_names_both(tmp_path):
    area = rectangle((20, 30), (0, 10), (0, 10))
    rules = {255: DefectRule("gap", 0.25, True)}
    for mask in (area * 128, area * 255 - rectangle((20, 30), (0, 1), (0, 1)) * 1):
        with pytest.raises(DatasetError, match=r"grey values (128|254, 255).*: 255\."):
            channels_of(grey_sample(tmp_path, mask), (20, 30, 3), rules)


def test_soft_edges_count_from_half_on_and_numbers_of_kinds_whenever_not_black(tmp_path):
    soft = np.array([[0, 60, 127, 128, 200, 255]])
    numbers = np.array([[0, 1, 2, 3, 0, 1]])
    (first,) = channels_of(grey_sample(tmp_path, soft), (1, 6, 3))
    assert first.mask.tolist() == [[False, False, False, True, True, True]]
    (second,) = channels_of(grey_sample(tmp_path, numbers), (1, 6, 3))
    assert second.mask.tolist() == [[False, True, True, True, False, True]]


def test_a_mask_painted_in_a_colour_counts(tmp_path):
    red = np.zeros((4, 6, 3), np.uint8)
    red[1:3, 2:4, 2] = 255
    sample = grey_sample(tmp_path, red)
    np.testing.assert_array_equal(mask_of(sample, (4, 6, 3)), rectangle((4, 6), (1, 3), (2, 4)))


def test_a_missing_and_an_empty_mask_are_errors(tmp_path):
    with pytest.raises(DatasetError, match=r"image\.png has no mask"):
        channels_of(Sample(tmp_path / "image.png", "test", "hole"), (4, 6, 3))
    with pytest.raises(DatasetError, match=r"000\.png is black"):
        channels_of(grey_sample(tmp_path, np.zeros((4, 6))), (4, 6, 3))
    sample = grey_sample(tmp_path, np.ones((4, 6)))
    sample.masks[0].unlink()
    with pytest.raises(DatasetError, match=r"000\.png"):
        channels_of(sample, (4, 6, 3))


def test_a_good_image_has_no_channels(tmp_path):
    assert channels_of(Sample(tmp_path / "a.png", "test"), (4, 5, 3)) == ()
