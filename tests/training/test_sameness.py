import numpy as np

from slsg_edge.models.npad.leave_one_out import folds_of
from slsg_edge.training.frames import StoredFrames
from slsg_edge.training.sameness import sameness


def stored(tmp_path, frames):
    path = tmp_path / "frames.npy"
    np.save(path, np.stack(frames).astype(np.uint8))
    return StoredFrames(path)


def test_equal_images_and_plain_sheets_are_told_and_parts_are_not(tmp_path):
    random = np.random.default_rng(0)
    plain = np.full((24, 24, 3), 128.0)
    assert "are all the same" in sameness(stored(tmp_path, [plain] * 12))
    sheets = [plain + random.normal(0, 1.5, plain.shape) for _ in range(12)]
    assert "differ by 1" in sameness(stored(tmp_path, sheets))
    parts = [plain + random.normal(0, 10, plain.shape) for _ in range(12)]
    assert sameness(stored(tmp_path, parts)) is None


def test_images_of_one_group_are_left_out_one_by_one_since_nothing_else_is_left():
    assert folds_of([0, 0, 0], None) == [[0], [1], [2]]
    assert folds_of([0, 0, 1], None) == [[0, 1], [2]]
