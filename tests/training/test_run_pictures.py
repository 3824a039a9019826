"""The pictures of a run: curves where there are losses, and what good parts look like."""

import cv2
import numpy as np

from slsg_edge.images.drawing import CAPTION_HEIGHT, SHEET_GAP
from slsg_edge.training.charts import write_good_sheet, write_loss_chart
from slsg_edge.training.frames import StoredFrames


def test_a_detector_without_losses_leaves_no_empty_chart(tmp_path):
    write_loss_chart(tmp_path / "losses.png", {"statistics": [(1, {})], "nothing": []})
    assert not (tmp_path / "losses.png").exists()
    write_loss_chart(tmp_path / "losses.png", {"statistics": [(1, {})], "fit": [(1, {"a": 0.5})]})
    assert cv2.imread(str(tmp_path / "losses.png")).min() < 100


def test_the_mean_how_they_vary_and_the_oddest_good_images_are_shown(tmp_path):
    frames = np.full((5, 60, 80, 3), 100, np.uint8)
    frames[:, :, 40:] = np.arange(5, dtype=np.uint8)[:, None, None, None] * 50
    np.save(tmp_path / "frames.npy", frames)
    scores = {0: 0.1, 1: 0.9, 2: 0.3, 4: 0.8}
    write_good_sheet(tmp_path / "good.png", StoredFrames(tmp_path / "frames.npy"), scores)
    sheet = cv2.imread(str(tmp_path / "good.png"))
    assert sheet.shape[:2] == (
        60 + CAPTION_HEIGHT + 2 * SHEET_GAP,
        5 * (80 + SHEET_GAP) + SHEET_GAP,
    )
    left, right = (sheet[SHEET_GAP + 30, SHEET_GAP + x :: 80 + SHEET_GAP, 0][:5] for x in (10, 60))
    assert left.tolist() == [100, 0, 100, 100, 100]
    assert right.tolist() == [100, 255, 50, 200, 100]  # the images 1, 4 and 2
