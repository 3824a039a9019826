"""By which threshold a candidate's golden verdicts are judged."""

import cv2
import numpy as np
import onnx
import pytest

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.golden import Golden
from slsg_edge.errors import DatasetError
from slsg_edge.stages.int8_meter import Int8Meter, threshold_frames

LEVELS = (40, 80, 140, 200)
GOOD = range(90, 120, 3)


@pytest.fixture
def bundle(make_bundle, toy_model):
    """Golden answers of the toy model; its threshold of 0.5 was set by hand."""
    frames = np.stack([np.full((32, 32, 3), level, np.uint8) for level in LEVELS])
    maps = (frames.mean(-1) / 255).astype(np.float32)
    golden = Golden(frames, maps, maps.max((1, 2))).to_bytes()
    files = {"model.onnx": toy_model(), "golden.npz": golden}
    made = open_bundle(make_bundle(toy_model()))
    return made.commit("export", files, command="slsg-edge export", started=0.0)


@pytest.fixture
def good(tmp_path):
    folder = tmp_path / "good"
    folder.mkdir()
    for level in GOOD:
        cv2.imwrite(str(folder / f"{level}.png"), np.full((32, 32, 3), level, np.uint8))
    return folder


def test_scores_that_move_as_a_whole_change_no_verdict_at_a_threshold_of_their_own(
    bundle, good, toy_model
):
    images = sorted(good.iterdir())
    moved = toy_model(offset=0.25)
    assert Int8Meter(bundle, None, images).damage(moved).verdicts == 1
    fresh = threshold_frames(bundle, good, 0.1)
    assert len(fresh.frames) == len(GOOD)
    assert Int8Meter(bundle, None, images, fresh).damage(moved).verdicts == 0


def test_defects_that_score_like_good_images_change_their_verdicts(bundle, good):
    model = onnx.load_from_string(bundle.file("model.onnx").read_bytes())
    (largest,) = (one for one in model.graph.initializer if one.name == "largest")
    largest.float_data[:] = [float("inf")]  # every answer is 0
    meter = Int8Meter(bundle, None, sorted(good.iterdir()), threshold_frames(bundle, good, 0.1))
    assert meter.damage(model.SerializeToString()).verdicts == 2


def test_too_few_images_for_a_threshold_are_refused(bundle, good):
    for path in sorted(good.iterdir())[5:]:
        path.unlink()
    with pytest.raises(DatasetError, match="too few for a threshold"):
        threshold_frames(bundle, good, 0.1)
