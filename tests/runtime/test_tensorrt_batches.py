"""How many frames an engine takes at once, and what is refused before anything is written."""

import numpy as np
import pytest
from fake_tensorrt import SIZE, Machine, picture

from slsg_edge.errors import CameraError, ConfigError, EngineError, SlsgError
from slsg_edge.preprocessing import Roi
from slsg_edge.runtime.gpu.pixel_formats import tight
from slsg_edge.scoring import Threshold

HALF = Threshold(0.5, "manual")


def test_prepared_frames_run_in_batches_of_what_the_engine_takes():
    machine = Machine(batch=2)
    frames = np.stack([picture(level, SIZE, SIZE) for level in (0, 51, 102, 153, 255)])
    with machine.detector(batch=2, graph=False) as detector:
        machine.trt.enqueued.clear()
        maps, scores = detector.run(frames)
    np.testing.assert_allclose(scores, [0, 0.2, 0.4, 0.6, 1])
    assert maps.shape == (5, SIZE, SIZE)
    assert machine.trt.enqueued == [2, 2, 1]


@pytest.mark.parametrize("kernels", [False, True])
@pytest.mark.parametrize("count", [0, 3, 200])
def test_other_counts_of_frames_than_a_batch_has_are_refused_before_anything_is_written(
    kernels, count
):
    machine = Machine(batch=2)
    with machine.detector(batch=2, kernels=kernels) as detector:
        before = detector.detect(picture(102))
        machine.gpu.done.clear()
        prepared = np.zeros((count, SIZE, SIZE, 3), np.uint8)
        with pytest.raises(ConfigError, match=f"{count} frames came at once, where 1 to 2 are due"):
            detector.detect_batch([picture(51)] * count)
        with pytest.raises(ConfigError, match=f"{count} frames came at once, where 1 to 2 are due"):
            detector._chain.submit(0, [picture(51)] * count)
        with pytest.raises(SlsgError, match=rf"{count} frames|\({count}, 32, 32, 3\)"):
            detector._chain.submit_prepared(0, prepared)
        assert machine.gpu.done == []
        np.testing.assert_array_equal(detector.last_map(), before.anomaly_map)
        assert detector.detect_batch([picture(51)] * 2)[1].image_score == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((1, SIZE, SIZE + 1, 3), "uint8"), ((1, SIZE, SIZE), "uint8"), ((0, SIZE, SIZE, 3), "uint8"),
     ((SIZE, SIZE, 3), "uint8"), ((1, SIZE, SIZE, 3), "float32")],
)  # fmt: skip
def test_prepared_frames_of_another_shape_are_refused_before_anything_is_written(
    machine, shape, kind
):
    with machine.detector() as detector:
        machine.gpu.done.clear()
        for take in (detector.run, lambda frames: detector._chain.submit_prepared(0, frames)):
            with pytest.raises(CameraError, match=r"where \(N, 32, 32, 3\) uint8 are due"):
                take(np.zeros(shape, kind))
        assert machine.gpu.done == []
        assert detector.score(picture(255)) == 1


def test_the_chain_itself_refuses_bytes_that_are_no_frame(machine):
    layout = tight("grey", 60, 40)
    with machine.detector() as detector:
        machine.gpu.done.clear()
        chain, data = detector._chain, np.zeros(layout.size, np.uint8)
        with pytest.raises(CameraError, match="has 2400 bytes, not 2399"):
            chain.submit_raw(0, data[1:], layout, None)
        with pytest.raises(ConfigError, match="reaches outside a frame of 60x40"):
            chain.submit_raw(0, data, layout, Roi(30, 0, 31, 40))
        with pytest.raises(CameraError, match=r"\(40, 60\) uint8"):
            chain.submit(0, [data.reshape(40, 60)])
        assert machine.gpu.done == []
        assert detector.score(picture(255)) == 1


def test_an_engine_that_takes_fewer_frames_at_once_is_refused(machine):
    with pytest.raises(EngineError, match="up to 1 frames at once, not 4"):
        machine.detector(batch=4)
    assert machine.gpu.closed
