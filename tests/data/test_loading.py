import cv2
import numpy as np
import pytest

from slsg_edge.data.loading import load_frames
from slsg_edge.errors import DatasetError
from slsg_edge.images import read_image
from slsg_edge.preprocessing import Preprocessing, Roi, prepare

SPEC = Preprocessing(height=24, width=32, fit="letterbox", roi=Roi(2, 1, 20, 20))


@pytest.fixture
def paths(tmp_path):
    random = np.random.default_rng(0)
    files = [tmp_path / f"{index}.png" for index in range(20)]
    for index, path in enumerate(files):
        cv2.imwrite(str(path), random.integers(0, 255, (30 + index, 40, 3), np.uint8))
    return files


def test_frames_of_mixed_sizes_come_prepared_and_in_order(paths):
    steps = []
    frames = load_frames(paths, SPEC, lambda: steps.append(1))
    assert frames.shape == (20, 24, 32, 3)
    assert frames.dtype == np.uint8
    assert len(steps) == 20
    for frame, path in zip(frames, paths, strict=True):
        np.testing.assert_array_equal(frame, prepare(read_image(path), SPEC))


def test_an_image_that_cannot_be_read_is_named(paths):
    paths[7].write_bytes(b"")
    with pytest.raises(DatasetError, match=r"7\.png is empty"):
        load_frames(paths, SPEC)


def test_reading_in_threads_leaves_the_log_level_of_opencv_as_it_was(paths):
    before = cv2.utils.logging.getLogLevel()
    load_frames(paths, SPEC)
    assert cv2.utils.logging.getLogLevel() == before


def test_no_images_give_no_frames():
    assert load_frames([], SPEC).shape == (0, 24, 32, 3)
