import os
import struct
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from slsg_edge.errors import DatasetError
from slsg_edge.images import encode_image, is_image, quiet_opencv, read_image


def picture(height=40, width=60, channels=3):
    noise = np.random.default_rng(0).integers(0, 255, (height, width, channels), np.uint8)
    return cv2.GaussianBlur(noise, (5, 5), 2).reshape(height, width, channels)


def test_colour_is_read_as_bgr(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), picture())
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), picture())


def test_grey_becomes_three_equal_channels(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), picture(channels=1))
    image = read_image(tmp_path / "a.png")
    assert image.shape == (40, 60, 3)
    np.testing.assert_array_equal(image, np.repeat(picture(channels=1), 3, axis=2))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_16_bit_keeps_its_high_byte(tmp_path, suffix):
    deep = np.random.default_rng(0).integers(0, 65535, (8, 9), np.uint16)
    cv2.imwrite(str(tmp_path / f"a{suffix}"), deep)
    image = read_image(tmp_path / f"a{suffix}")
    assert image.dtype == np.uint8
    assert np.abs(image[..., 0] - deep / 256.0).max() <= 1


def test_alpha_is_dropped_and_not_blended(tmp_path):
    image = np.dstack([picture(), np.full((40, 60), 10, np.uint8)])
    cv2.imwrite(str(tmp_path / "a.png"), image)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), picture())


@pytest.mark.parametrize(("orientation", "turn"), [(1, 0), (6, -1), (3, 2), (8, 1)])
def test_the_orientation_in_exif_is_applied(tmp_path, orientation, turn):
    tiff = b"II*\x00\x08\x00\x00\x00" + struct.pack("<HHHIHHI", 1, 0x112, 3, 1, orientation, 0, 0)
    exif = b"Exif\x00\x00" + tiff
    jpeg = encode_image(picture(), ".jpg")
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:])
    plain = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(read_image(path), np.rot90(plain, turn))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif", ".webp"])
def test_a_truncated_image_is_refused(tmp_path, suffix, share):
    content = encode_image(picture(), suffix)
    (tmp_path / f"a{suffix}").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DatasetError, match=rf"a\{suffix} is (truncated|not an image).*Replace it"):
        read_image(tmp_path / f"a{suffix}")


@pytest.mark.parametrize(
    ("content", "message"), [(b"", r"is empty \(0 bytes\)"), (b"plain text\n", "is not an image")]
)
def test_empty_files_and_other_files_under_the_name_of_an_image_are_refused(
    tmp_path, content, message
):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        read_image(tmp_path / "a.png")


def test_a_missing_image_and_a_folder_are_errors(tmp_path):
    for path in (tmp_path / "gone.png", tmp_path):
        with pytest.raises(DatasetError, match="Cannot read"):
            read_image(path)


def test_an_image_without_permission_is_an_error(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), picture())
    (tmp_path / "a.png").chmod(0)
    if os.access(tmp_path / "a.png", os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(DatasetError, match=r"Cannot read .*a\.png.*permissions"):
        read_image(tmp_path / "a.png")


def test_a_single_pixel_is_an_image(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), picture(1, 1))
    assert read_image(tmp_path / "a.png").shape == (1, 1, 3)


def test_opencv_is_quiet_only_while_reading(tmp_path, capfd):
    (tmp_path / "a.tif").write_bytes(encode_image(picture(), ".tif")[:300])
    before = cv2.utils.logging.getLogLevel()
    with pytest.raises(DatasetError):
        read_image(tmp_path / "a.tif")
    assert cv2.utils.logging.getLogLevel() == before
    assert capfd.readouterr().err == ""


@pytest.fixture
def opencv_level():
    """What tells OpenCV's level, which is 5 when the test begins."""
    before = cv2.utils.logging.setLogLevel(5)
    yield cv2.utils.logging.getLogLevel
    cv2.utils.logging.setLogLevel(before)


@pytest.mark.parametrize("leaving", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_opencv_is_quiet_until_the_last_has_left_in_whatever_order(opencv_level, leaving):
    entered = [quiet_opencv() for _ in range(3)]
    for quiet in entered:
        quiet.__enter__()
    for index in leaving:
        assert opencv_level() == 0
        entered[index].__exit__(None, None, None)
    assert opencv_level() == 5


def test_threads_that_overlap_leave_opencv_as_it_was(opencv_level):
    def read(number: int) -> None:
        for _ in range(200):
            with quiet_opencv():
                assert opencv_level() == 0

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(8)))
    assert opencv_level() == 5


def test_opencv_speaks_again_after_an_error(opencv_level):
    with pytest.raises(ValueError, match="no picture"), quiet_opencv():
        raise ValueError("no picture")
    assert opencv_level() == 5


def test_hidden_files_and_other_suffixes_are_no_images(tmp_path):
    names = ["a.png", "A.JPG", "a.tiff", ".a.png", "._a.png", "a.txt", "a", "png"]
    assert [name for name in names if is_image(tmp_path / name)] == ["a.png", "A.JPG", "a.tiff"]
