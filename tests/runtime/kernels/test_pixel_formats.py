import cv2
import numpy as np
import pytest

from slsg_edge.errors import CameraError
from slsg_edge.runtime.gpu.pixel_formats import Layout, tight, to_bgr

TO_BGR = {
    "grey": (cv2.COLOR_GRAY2BGR, lambda rows, columns: (rows, columns)),
    "nv12": (cv2.COLOR_YUV2BGR_NV12, lambda rows, columns: (rows * 3 // 2, columns)),
    "yuyv": (cv2.COLOR_YUV2BGR_YUY2, lambda rows, columns: (rows, columns, 2)),
}


def noise(size):
    return np.random.default_rng(0).integers(0, 256, size, np.uint8)


@pytest.mark.parametrize("pixels", TO_BGR)
@pytest.mark.parametrize(("height", "width"), [(2, 2), (30, 46), (64, 128), (250, 322)])
def test_a_frame_has_the_colours_that_opencv_gives_it(pixels, height, width):
    code, shape = TO_BGR[pixels]
    data = noise(tight(pixels, width, height).size)
    expected = cv2.cvtColor(data.reshape(shape(height, width)), code)
    np.testing.assert_array_equal(to_bgr(data, tight(pixels, width, height)), expected)


def test_every_colour_of_yuv_is_that_of_opencv():
    levels = np.arange(256, dtype=np.uint8)
    luma, u, v = np.meshgrid(levels, levels[::5], levels[::5], indexing="ij")
    data = np.stack([luma, u, luma, v], axis=-1).reshape(256, -1, 2)
    layout = tight("yuyv", data.shape[1], 256)
    expected = cv2.cvtColor(data, cv2.COLOR_YUV2BGR_YUY2)
    np.testing.assert_array_equal(to_bgr(data.ravel(), layout), expected)


@pytest.mark.parametrize("pixels", ["bgr", "grey", "nv12", "yuyv"])
def test_padding_between_the_rows_is_skipped(pixels):
    plain = tight(pixels, 10, 6)
    data = noise(plain.size)
    rows = data.reshape(plain.rows, -1)
    padded = np.full((plain.rows, plain.pitch + 5), 99, np.uint8)
    padded[:, : plain.pitch] = rows
    layout = Layout(pixels, 10, 6, plain.pitch + 5)
    assert layout.size == padded.size - 5
    np.testing.assert_array_equal(to_bgr(padded.ravel()[:-5], layout), to_bgr(data, plain))


@pytest.mark.parametrize(
    ("pixels", "width", "height"),
    [("nv12", 5, 4), ("nv12", 4, 5), ("yuyv", 5, 4), ("bgr", 0, 4), ("grey", 4, -1)],
)
def test_a_frame_that_cannot_be_is_refused(pixels, width, height):
    with pytest.raises(CameraError, match=f"no frame of {width}x{height} {pixels}"):
        Layout(pixels, width, height, 1000)


def test_yuyv_may_have_an_odd_height():
    assert tight("yuyv", 4, 5).size == 40


def test_rows_that_overlap_are_refused():
    with pytest.raises(CameraError, match="A row of 10x4 bgr has 30 bytes, more than 29"):
        Layout("bgr", 10, 4, 29)


@pytest.mark.parametrize("size", [59, 61])
def test_data_of_another_size_is_refused(size):
    with pytest.raises(CameraError, match=f"has 60 bytes, not {size}"):
        to_bgr(np.zeros(size, np.uint8), tight("bgr", 5, 4))
