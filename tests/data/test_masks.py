import cv2
import numpy as np
import pytest

from slsg_edge.contracts import Sample
from slsg_edge.data.masks import labels_of, mask_of
from slsg_edge.errors import DatasetError
from slsg_edge.preprocessing import Preprocessing, Roi


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


def test_labels_lie_where_the_image_lies_at_model_resolution(tmp_path):
    sample = sample_with(tmp_path, rectangle((40, 80), (20, 40), (0, 20)))
    labels, inside = labels_of(sample, (40, 80, 3), Preprocessing(20, 20))
    np.testing.assert_array_equal(labels, rectangle((20, 20), (10, 20), (0, 5)))
    assert inside.all()


def test_the_border_of_a_letterbox_is_outside(tmp_path):
    sample = sample_with(tmp_path, rectangle((40, 80), (20, 40), (0, 20)))
    labels, inside = labels_of(sample, (40, 80, 3), Preprocessing(20, 20, "letterbox"))
    np.testing.assert_array_equal(inside, rectangle((20, 20), (5, 15), (0, 20)))
    np.testing.assert_array_equal(labels, rectangle((20, 20), (10, 15), (0, 5)))


def test_a_pixel_is_defective_from_half_covered_on(tmp_path):
    spec = Preprocessing(1, 2, roi=Roi(10, 0, 20, 10))
    sample = sample_with(tmp_path, rectangle((10, 40), (0, 10), (15, 24)))
    np.testing.assert_array_equal(labels_of(sample, (10, 40, 3), spec)[0], [[True, False]])
