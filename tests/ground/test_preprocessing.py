import statistics
import time

import cv2
import numpy as np
import pytest

from slsg_edge.errors import ConfigError
from slsg_edge.preprocessing import (
    Preprocessing,
    Roi,
    axis_weights,
    cut,
    map_on_frame,
    placement,
    prepare,
    resize,
    resize_reference,
    roi_from_text,
)

# (H, W) of the image, then of the result: shrinking, growing, both at once, none, odd, tiny
SIZES = [
    ((480, 640), (256, 256)),
    ((512, 768), (256, 256)),
    ((257, 511), (256, 256)),
    ((101, 97), (31, 17)),
    ((1080, 1920), (256, 256)),
    ((100, 120), (256, 256)),
    ((37, 53), (255, 129)),
    ((100, 400), (256, 256)),
    ((401, 99), (128, 130)),
    ((256, 300), (256, 256)),
    ((300, 256), (256, 300)),
    ((256, 256), (256, 256)),
    ((1, 1), (16, 16)),
    ((1, 200), (16, 16)),
    ((7, 5), (1, 1)),
    ((3, 900), (256, 256)),
]


def noise(size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


@pytest.mark.parametrize(("size", "target"), SIZES)
def test_opencv_resizes_as_the_reference_within_one_grey_level(size, target):
    image = noise(size)
    difference = resize(image, *target).astype(int) - resize_reference(image, *target)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize(("length", "target"), [(640, 256), (97, 31), (31, 97), (8, 8), (1, 9)])
def test_every_output_pixel_is_a_weighted_mean(length, target):
    weights = axis_weights(length, target)
    assert weights.shape == (target, length)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1)


def test_shrinking_to_one_pixel_is_the_mean_and_a_constant_stays():
    image = noise((33, 47))
    np.testing.assert_array_equal(resize(image, 1, 1)[0, 0], np.rint(image.mean(axis=(0, 1))))
    grey = np.full((33, 47, 3), 77, np.uint8)
    assert (resize(grey, 20, 90) == 77).all()


def test_a_part_of_a_frame_resizes_like_its_copy():
    part = noise((300, 400))[10:290, 33:391]
    np.testing.assert_array_equal(resize(part, 256, 256), resize(part.copy(), 256, 256))


@pytest.mark.parametrize("size", [(100, 300), (300, 100), (64, 64), (5, 900)])
def test_letterbox_keeps_the_aspect_in_the_middle_of_black(size):
    spec = Preprocessing(height=128, width=96, fit="letterbox")
    shown = prepare(np.full((*size, 3), 200, np.uint8), spec)[..., 0] == 200
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    scale = min(128 / size[0], 96 / size[1])
    assert shown.sum() == len(rows) * len(columns)
    assert len(rows) == pytest.approx(max(1, size[0] * scale), abs=0.5)
    assert len(columns) == pytest.approx(size[1] * scale, abs=0.5)
    assert abs(rows[0] - (127 - rows[-1])) <= 1
    assert abs(columns[0] - (95 - columns[-1])) <= 1


def test_stretch_fills_the_whole_of_the_model():
    assert (prepare(np.full((50, 300, 3), 9, np.uint8), Preprocessing(64, 32)) == 9).all()


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
@pytest.mark.parametrize("roi", [None, Roi(40, 20, 200, 90)])
def test_a_spot_on_the_map_comes_back_to_its_place_on_the_frame(fit, roi):
    frame = np.zeros((150, 260, 3), np.uint8)
    frame[60:90, 100:140] = 255
    spec = Preprocessing(height=128, width=128, fit=fit, roi=roi)
    heat = prepare(frame, spec)[..., 0].astype(np.float32) / 255
    back = map_on_frame(heat, spec, frame.shape)
    assert back.shape == (150, 260)
    assert back.dtype == np.float32
    wrong = (back > 0.5) != (frame[..., 0] > 0)
    assert wrong.sum() < 0.15 * (frame[..., 0] > 0).sum()


def test_outside_the_region_the_map_is_zero():
    spec = Preprocessing(height=32, width=32, roi=Roi(10, 20, 30, 40))
    back = map_on_frame(np.ones((32, 32), np.float32), spec, (100, 80, 3))
    inside = np.zeros((100, 80), bool)
    inside[20:60, 10:40] = True
    np.testing.assert_array_equal(back, inside.astype(np.float32))


def test_the_region_is_cut_before_the_resize():
    frame = noise((100, 120))
    spec = Preprocessing(height=32, width=32, roi=Roi(10, 20, 50, 60))
    np.testing.assert_array_equal(prepare(frame, spec), resize(frame[20:80, 10:60], 32, 32))


@pytest.mark.parametrize("roi", [Roi(0, 0, 61, 40), Roi(0, 0, 60, 41), Roi(59, 39, 2, 2)])
def test_a_region_that_reaches_outside_the_frame_is_an_error(roi):
    with pytest.raises(ConfigError, match="reaches outside a frame of 60x40"):
        cut(noise((40, 60)), roi)


def test_a_region_may_fill_the_frame():
    assert cut(noise((40, 60)), Roi(0, 0, 60, 40)).shape == (40, 60, 3)


def test_a_region_is_read_from_text_and_written_as_it_is_read():
    assert roi_from_text("10,20, 30,40") == Roi(10, 20, 30, 40)
    assert roi_from_text(str(Roi(1, 2, 3, 4))) == Roi(1, 2, 3, 4)


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1.5,2,3,4"])
def test_text_that_is_no_region_is_an_error(text):
    with pytest.raises(ConfigError, match="is not x,y,width,height"):
        roi_from_text(text)


@pytest.mark.parametrize("text", ["-1,0,5,5", "0,0,0,5", "0,0,5,-5"])
def test_a_region_that_is_no_rectangle_is_an_error(text):
    with pytest.raises(ConfigError, match="is no rectangle"):
        roi_from_text(text)


@pytest.fixture
def one_thread():
    """Of OpenCV, so that CPU time says what a call costs, whatever else runs here."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(threads)


@pytest.mark.slow
@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
@pytest.mark.parametrize("roi", [None, Roi(420, 0, 1080, 1080), Roi(101, 53, 1500, 900)])
def test_a_camera_frame_costs_little_more_than_the_bare_resize_of_its_region(one_thread, roi, fit):
    spec, frame = Preprocessing(256, 256, fit, roi), noise((1080, 1920))
    region = cut(frame, roi)
    size = placement(*region.shape[:2], spec)[:1:-1]
    ratios = []
    for _ in range(40):
        marks = [time.process_time()]
        prepare(frame, spec)
        marks.append(time.process_time())
        cv2.resize(region, size, interpolation=cv2.INTER_AREA)
        marks.append(time.process_time())
        ratios.append((marks[1] - marks[0]) / (marks[2] - marks[1]))
    assert statistics.median(ratios[5:]) <= 1.2
