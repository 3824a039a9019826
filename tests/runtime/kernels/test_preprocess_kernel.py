import dataclasses

import numpy as np
import pytest

from slsg_edge.errors import CameraError, ConfigError
from slsg_edge.preprocessing import (
    Preprocessing,
    Roi,
    axis_weights,
    cut,
    placement,
    prepare,
    resize_reference,
)
from slsg_edge.runtime.gpu.device_kernels import DeviceKernels
from slsg_edge.runtime.gpu.pixel_formats import ROW_BYTES, Layout, tight, to_bgr

FORMATS = list(ROW_BYTES)

# (H, W) of the frame, its region, (H, W) of the model. A format brings its own way to fetch a
# window of the frame, so every format goes through what makes windows: each way to resize, several
# of them in a row, and regions that begin and end within a group of bytes.
OF_EVERY_FORMAT = [
    ((98, 194), None, (31, 17)),  # both axes shrink
    ((20, 30), None, (64, 48)),  # both grow
    ((26, 200), None, (65, 65)),  # one of each
    ((200, 26), None, (65, 129)),
    ((100, 120), Roi(33, 7, 61, 50), (40, 70)),
    ((100, 120), Roi(119, 99, 1, 1), (5, 5)),
    ((100, 120), Roi(1, 98, 119, 2), (33, 20)),
    ((6, 2600), Roi(3, 1, 2590, 4), (3, 2)),  # several windows side by side
    ((900, 40), None, (3, 8)),  # several one below the other
]
# What is left is the same code for all of them, so one will do.
OF_BGR = [
    ((120, 160), None, (64, 64)),
    ((64, 64), None, (64, 64)),
    ((2, 2), None, (1, 1)),
    ((2, 2), None, (16, 16)),
    ((4, 900), None, (8, 70)),
    ((100, 120), Roi(0, 0, 120, 100), (40, 40)),
]
LETTERBOXED = OF_EVERY_FORMAT[0], OF_EVERY_FORMAT[4]  # by every format; bgr takes all so
CASES = [
    *((pixels, *case, "stretch") for pixels in FORMATS for case in OF_EVERY_FORMAT),
    *(("bgr", *case, "stretch") for case in OF_BGR),
    *(("bgr", *case, "letterbox") for case in (*OF_EVERY_FORMAT, *OF_BGR)),
    *(
        (pixels, *case, "letterbox")
        for pixels in FORMATS
        if pixels != "bgr"
        for case in LETTERBOXED
    ),
]


def exact(image, spec):
    """`prepare` in whole numbers, rounded half to even: no error but the last rounding."""
    top, left, height, width = placement(*image.shape[:2], spec)
    rows, columns = whole_weights(image.shape[0], height), whole_weights(image.shape[1], width)
    total = np.einsum("yh,hwc,xw->yxc", rows, image.astype(np.int64), columns, optimize=True)
    divisor = rows[0].sum() * columns[0].sum()
    quotient, rest = np.divmod(total, divisor)
    up = (2 * rest > divisor) | ((2 * rest == divisor) & (quotient % 2 == 1))
    canvas = np.zeros((spec.height, spec.width, 3), np.uint8)
    canvas[top : top + height, left : left + width] = quotient + up
    return canvas


def whole_weights(length, target):
    weights = axis_weights(length, target) * (length if target <= length else 2 * target)
    assert np.abs(weights - np.rint(weights)).max() < 1e-6
    return np.rint(weights).astype(np.int64)


def prepared(bench, data, layout, spec, offset=0):
    kernels = DeviceKernels(bench.device, dataclasses.replace(spec, roi=None), bench.images)
    shape = (spec.height, spec.width, 3)
    target = bench.room(int(np.prod(shape)))
    kernels.prepare(bench.stream, bench.up(data, offset), layout, target, spec.roi)
    return bench.down(target, shape)


def noise(size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, size, np.uint8)


@pytest.mark.parametrize(("pixels", "size", "roi", "model", "fit"), CASES)
def test_a_frame_is_prepared_exactly(bench, pixels, size, roi, model, fit):
    spec = Preprocessing(*model, fit, roi)
    layout = tight(pixels, size[1], size[0])
    data = noise(layout.size)
    expected = exact(cut(to_bgr(data, layout), roi), spec)
    np.testing.assert_array_equal(prepared(bench, data, layout, spec), expected)


@pytest.mark.parametrize("pixels", FORMATS)
@pytest.mark.parametrize(("padding", "offset"), [(1, 0), (2, 16), (4, 3), (7, 16), (64, 3)])
def test_neither_the_pitch_nor_the_place_in_memory_matters(bench, pixels, padding, offset):
    spec = Preprocessing(20, 30, roi=Roi(5, 3, 81, 40))
    row = 96 * ROW_BYTES[pixels]
    layout = Layout(pixels, 96, 50, row + padding)
    data = noise(layout.size)
    expected = exact(cut(to_bgr(data, layout), spec.roi), spec)
    np.testing.assert_array_equal(prepared(bench, data, layout, spec, offset), expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 77), (77, 1), (53, 37)])
@pytest.mark.parametrize("pixels", ["bgr", "grey"])
def test_odd_sizes_are_prepared_exactly(bench, size, pixels):
    spec = Preprocessing(19, 23, "letterbox")
    layout = tight(pixels, size[1], size[0])
    data = noise(layout.size)
    expected = exact(to_bgr(data, layout), spec)
    np.testing.assert_array_equal(prepared(bench, data, layout, spec), expected)


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
@pytest.mark.parametrize("size", [(270, 480), (101, 97), (31, 300), (40, 30)])
def test_what_the_chain_asks_for_is_what_the_cpu_does_within_one_grey_level(bench, size, fit):
    spec = Preprocessing(64, 64, fit)
    frame = noise((*size, 3))
    target = bench.room(64 * 64 * 3)
    kernels = DeviceKernels(bench.device, spec, bench.images)
    kernels.preprocess(bench.stream, bench.up(frame), frame.shape, target)
    found = bench.down(target, (64, 64, 3)).astype(int)
    assert np.abs(found - prepare(frame, spec)).max() <= 1
    if fit == "stretch":
        assert np.abs(found - resize_reference(frame, 64, 64)).max() <= 1


def test_the_brightest_frame_of_the_largest_side_does_not_overflow(bench):
    layout = tight("bgr", 32767, 3)
    spec = Preprocessing(3, 2)
    data = np.full(layout.size, 255, np.uint8)
    assert (prepared(bench, data, layout, spec) == 255).all()


def test_a_region_that_reaches_outside_the_frame_is_an_error(bench):
    kernels = DeviceKernels(bench.device, Preprocessing(8, 8), bench.images)
    for roi in (Roi(0, 0, 61, 40), Roi(0, 0, 60, 41), Roi(59, 39, 2, 2)):
        with pytest.raises(ConfigError, match="reaches outside a frame of 60x40"):
            kernels.prepare(bench.stream, 0, tight("bgr", 60, 40), 0, roi)


def test_a_model_too_large_for_the_kernels_is_refused(bench):
    with pytest.raises(ConfigError, match="32768x8 pixels is too large"):
        DeviceKernels(bench.device, Preprocessing(8, 32768), bench.images)


def test_a_frame_too_large_for_the_kernels_is_refused():
    with pytest.raises(CameraError, match="no frame of 32768x4 bgr"):
        tight("bgr", 32768, 4)
