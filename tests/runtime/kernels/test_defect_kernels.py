import dataclasses

import cv2
import numpy as np
import pytest

from slsg_edge.errors import ConfigError
from slsg_edge.images.drawing import heat_overlay
from slsg_edge.preprocessing import Preprocessing, Roi, map_on_frame
from slsg_edge.runtime.gpu.defect_kernels import DefectKernels
from slsg_edge.runtime.gpu.defects import defects_in, mask_of


def snake(size):
    """One part, with a long way from its first pixel to its last."""
    heat = np.zeros((size, size), np.float32)
    heat[::2] = heat[1::4, -1] = heat[3::4, 0] = 1
    return heat


def blobs(size, sigma, seed):
    noise = np.random.default_rng(seed).normal(size=size).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), sigma) if sigma else noise


MAPS = {
    "nothing": np.zeros((16, 16), np.float32),
    "everything": np.ones((33, 20), np.float32),
    "one pixel": np.ones((1, 1), np.float32),
    "a row": np.tile(np.array([1, 0, 1, 1], np.float32), (1, 8)),
    "a chessboard": np.indices((16, 17)).sum(0).astype(np.float32) % 2,
    "as many as there can be": np.outer(np.arange(15) % 2 == 0, np.arange(17) % 2 == 0).astype(
        "f4"
    ),
    "a snake": snake(31),
    "combs": np.where(np.arange(33) % 2 == 0, 1, np.arange(24)[:, None] == 23).astype(np.float32),
    "noise": blobs((64, 65), 0, 0),
    "small blobs": blobs((90, 70), 1.5, 1),
    "large blobs": blobs((64, 128), 6, 2),
    "bad values": np.array([[np.nan, np.inf, 1], [0, -np.inf, np.nan], [1, 0, 0]], np.float32),
}


@pytest.mark.parametrize("name", MAPS)
def test_mask_and_defects_are_those_of_opencv(bench, name):
    heat = MAPS[name]
    kernels = DefectKernels(bench.device, bench.stream, Preprocessing(*heat.shape), bench.images)
    address = bench.up(heat)
    for threshold in (0.02, 0.5):
        mask, defects = kernels.defects(address, threshold)
        np.testing.assert_array_equal(mask, mask_of(heat, threshold))
        assert defects == defects_in(mask_of(heat, threshold))


def test_a_pixel_at_the_threshold_is_no_defect(bench):
    heat = np.float32([[0.1, 0.1]])
    kernels = DefectKernels(bench.device, bench.stream, Preprocessing(1, 2), bench.images)
    assert kernels.defects(bench.up(heat), 0.1)[1] == []


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
@pytest.mark.parametrize(
    ("size", "roi"),
    [
        ((60, 90), None),
        ((1, 1), None),
        ((20, 300), None),
        ((61, 47), Roi(3, 10, 40, 33)),
        ((61, 47), Roi(46, 60, 1, 1)),
    ],
)
def test_heat_lies_over_the_frame_as_in_the_reports(bench, size, roi, fit):
    spec = Preprocessing(32, 48, fit, roi)
    shape = (*size, 3)
    frame = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    heat = np.clip(blobs((32, 48), 2, 3) * 5, -0.1, 1.2)
    kernels = DefectKernels(bench.device, bench.stream, spec, bench.images)
    target = bench.room(frame.size)
    kernels.overlay(bench.up(frame), shape, bench.up(heat), target, 0.7)
    difference = bench.down(target, shape).astype(int) - heat_overlay(
        frame, map_on_frame(heat, spec, shape), 0.7
    )
    # heat on the edge between two of the 256 colours may take either
    assert np.abs(difference).max() <= 3
    assert (np.abs(difference) > 1).mean() < 0.002


def test_heat_that_is_no_number_leaves_the_frame_as_it_is(bench):
    spec = Preprocessing(4, 4)
    frame = np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)
    kernels = DefectKernels(bench.device, bench.stream, spec, bench.images)
    target = bench.room(frame.size)
    heat = np.full((4, 4), np.nan, np.float32)
    kernels.overlay(bench.up(frame), frame.shape, bench.up(heat), target)
    np.testing.assert_array_equal(bench.down(target, frame.shape), frame)


def test_a_region_outside_the_frame_is_refused(bench):
    spec = dataclasses.replace(Preprocessing(4, 4), roi=Roi(5, 5, 5, 5))
    kernels = DefectKernels(bench.device, bench.stream, spec, bench.images)
    with pytest.raises(ConfigError, match="reaches outside a frame of 9x9"):
        kernels.overlay(0, (9, 9, 3), 0, 0)
