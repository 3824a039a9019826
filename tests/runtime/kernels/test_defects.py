import numpy as np

from slsg_edge.preprocessing import Roi
from slsg_edge.runtime.gpu.defects import Defect, defects_in, mask_of


def test_only_what_is_above_the_threshold_is_in_the_mask():
    heat = np.float32([[0.1, 0.2, 0.3], [np.nan, np.inf, -np.inf]])
    assert mask_of(heat, 0.2).tolist() == [[False, False, True], [False, True, False]]


def test_a_defect_has_an_area_and_a_box_and_corners_connect():
    mask = np.zeros((8, 9), bool)
    mask[1:3, 2:5] = mask[3, 5] = True
    assert defects_in(mask) == [Defect(7, Roi(2, 1, 4, 3))]


def test_the_largest_defect_comes_first_and_equals_from_top_left():
    mask = np.zeros((9, 9), bool)
    mask[6, 0] = mask[0, 8] = mask[0, 6] = True
    mask[3:5, 3:5] = True
    boxes = [defect.box for defect in defects_in(mask)]
    assert boxes == [Roi(3, 3, 2, 2), Roi(6, 0, 1, 1), Roi(8, 0, 1, 1), Roi(0, 6, 1, 1)]


def test_a_mask_of_nothing_has_no_defects():
    assert defects_in(np.zeros((3, 4), bool)) == []
