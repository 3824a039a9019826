"""A folder that is one level too high or too low: the right thing, or what to give."""

import pytest

from slsg_edge.data.layouts import read_dataset
from slsg_edge.errors import DatasetError


@pytest.fixture
def parts(files):
    files.parts("sorted/good", 8)
    files.part("sorted/NG/crack/0.png", "alone/NG/crack/0.png", "products/a/good/0.png")
    files.part("products/b/good/0.png", "unknown/alpha/0.png", "deep/x/y/z/0.png")
    files.mask("sorted/mask/crack/0.png")
    files.parts("mvtec/train/ok", 4)
    files.part("mvtec/test/ok/0.png", "mvtec/test/crack/0.png", "mvtec/val/ok/0.png")
    files.part("mvtec/val/crack/0.png", "flat/NG/0.png", "flat/ok/0.png")
    return files.folder


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("sorted/NG", "defective images alone, by the names"),
        ("sorted/NG/crack", "defective images alone, by the names"),
        ("flat/NG", "defective images alone, by the names"),
        ("sorted/mask", "is a folder of masks.*Give the folder above"),
        ("sorted/mask/crack", "is a folder of masks"),
        ("alone", r"defective images alone, in NG.*Put good ones into .*alone/good"),
        ("alone/NG", "defective images alone"),
        ("products", "no image itself; there are some in a, b"),
        ("unknown", "some in alpha.*or call the folder of good images good"),
        ("deep", "holds no image. There are 1 deeper, as .*deep/x/y/z/0.png"),
        ("mvtec/test", "is the test split of the data set .*mvtec"),
        ("mvtec/val", "is the validation split of"),
        ("mvtec/test/crack", "defective images alone"),
    ],
)
def test_a_part_of_a_data_set_is_an_error_that_says_what_to_give(parts, folder, message):
    with pytest.raises(DatasetError, match=message):
        read_dataset(parts / folder)


@pytest.mark.parametrize("folder", ["sorted/good", "mvtec/train", "mvtec/val/ok", "mvtec/test/ok"])
def test_good_images_of_a_data_set_may_be_given_alone(parts, folder):
    assert read_dataset(parts / folder).layout == "plain"


def test_a_product_that_is_called_mask_is_a_product(files):
    files.parts("mask/monday", 3)
    assert len(read_dataset(files.folder / "mask/monday").samples) == 3
