import cv2
import numpy as np
import pytest

from slsg_edge.contracts import Sample
from slsg_edge.data.saturation import DefectRule
from slsg_edge.data.survey.facts import facts_of
from slsg_edge.data.survey.mask_check import mask_faults

RULES = {255: DefectRule("gap", 0.5, True)}


def square(value, side=64):
    mask = np.zeros((side, side), np.uint8)
    mask[10:20, 10:20] = value
    return mask


def soft(value=255):
    return cv2.GaussianBlur(square(value), (0, 0), 2)


def small_numbers():
    mask = square(1)
    mask[30:40] = 3
    return mask


@pytest.mark.parametrize(
    ("mask", "rules", "fault", "detail"),
    [
        (square(255), None, None, ""),
        (square(255), RULES, None, ""),
        (square(1), None, None, ""),
        (small_numbers(), None, None, ""),
        (square(255, side=40), None, "size", "40x40, its image 64x64"),
        (square(0), None, "black", ""),
        (soft(), None, "grey", "values"),
        (square(128), RULES, "unknown", "grey 128"),
        (soft(), RULES, "unknown", "grey 1,"),
    ],
)
def test_a_fault_of_a_mask_is_named(files, mask, rules, fault, detail):
    files.part("image.png")
    files.write("mask.png", mask)
    path = files.folder / "mask.png"
    sample = Sample(files.folder / "image.png", "test", "hole", (path,))
    faults = mask_faults(sample, facts_of(sample.image), rules)
    assert [one.fault for one in faults] == ([fault] if fault else [])
    assert all(one.mask == path and detail in one.detail for one in faults)


def test_a_mask_that_is_no_image_or_is_not_there(files):
    files.part("image.png")
    (files.folder / "empty.png").write_bytes(b"")
    masks = (files.folder / "empty.png", files.folder / "gone.png")
    sample = Sample(files.folder / "image.png", "test", "hole", masks)
    faults = mask_faults(sample, facts_of(sample.image), None)
    assert [one.fault for one in faults] == ["unreadable", "unreadable"]
