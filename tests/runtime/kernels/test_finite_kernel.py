import numpy as np
import pytest

from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime.gpu.device_kernels import DeviceKernels

BATCH = 3


def checked(bench, maps, scores):
    spec = Preprocessing(*maps.shape[1:])
    address = bench.up(scores)
    kernels = DeviceKernels(bench.device, spec, bench.images)
    kernels.check(bench.stream, bench.up(maps), address, len(maps))
    return bench.down(address, scores.shape, np.float32)


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (8, 8), (64, 65), (120, 100)])
def test_good_maps_leave_the_scores_as_they_are(bench, size):
    maps = np.random.default_rng(0).normal(0, 1e37, (BATCH, *size)).astype(np.float32)
    maps[0, 0, 0], maps[-1, -1, -1] = -0.0, 1e-45
    scores = np.array([0, 0.5, 1], np.float32)
    np.testing.assert_array_equal(checked(bench, maps, scores), scores)


@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("size", [(1, 1), (5, 7), (8, 8), (64, 65)])
def test_one_bad_value_anywhere_makes_the_score_of_that_map_nan(bench, size, value):
    pixels = size[0] * size[1]
    for at in {0, 1 % pixels, pixels // 2, pixels - 2 if pixels > 1 else 0, pixels - 1}:
        maps = np.full((BATCH, *size), 0.25, np.float32)
        maps[1].reshape(-1)[at] = value
        found = checked(bench, maps, np.array([0.1, 0.2, 0.3], np.float32))
        np.testing.assert_array_equal(np.isnan(found), [False, True, False])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_score_that_is_no_number_becomes_nan(bench, value):
    maps = np.zeros((BATCH, 5, 5), np.float32)
    found = checked(bench, maps, np.array([value, 0.5, value], np.float32))
    np.testing.assert_array_equal(np.isnan(found), [True, False, True])
