from functools import partial

import numpy as np
import pytest
from fake_gpu import PLAN, FakeTensorRt

from slsg_edge.errors import CudaError
from slsg_edge.nvidia import Gpu
from slsg_edge.preprocessing import Preprocessing, Roi, prepare
from slsg_edge.runtime import engine_choice
from slsg_edge.runtime.chain import ChainOptions
from slsg_edge.runtime.device import Device
from slsg_edge.runtime.device_kernels import DeviceKernels
from slsg_edge.runtime.engine_choice import kernels_for
from slsg_edge.runtime.tensorrt import TensorRtDetector

IMAGES = dict.fromkeys(DeviceKernels.SOURCES, b"")
GPU = Gpu("Orin", "8.7", "12.6")


def detector_on(gpu, spec, options=None, poison=-1):
    runtime = FakeTensorRt(gpu, batch=options.batch if options else 1)
    runtime.poison = np.float32(poison)
    kernels = partial(DeviceKernels, spec=spec, images=IMAGES)
    return TensorRtDetector(Device(gpu), runtime, PLAN, spec, options, kernels=kernels)


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
@pytest.mark.parametrize("roi", [None, Roi(3, 5, 41, 27)])
def test_a_frame_is_judged_as_if_the_cpu_had_prepared_it(shim_gpu, fit, roi):
    spec = Preprocessing(32, 32, fit, roi)
    with detector_on(shim_gpu, spec) as detector:
        for seed, size in enumerate([(60, 80), (33, 45), (480, 640)]):
            frame = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
            found = detector.detect(frame)
            expected = prepare(frame, spec).mean(-1) / 255
            assert np.abs(found.anomaly_map - expected).max() <= 1 / 255 + 1e-6
            assert found.image_score == found.anomaly_map.max()


def test_frames_of_a_batch_do_not_mix(shim_gpu):
    spec = Preprocessing(32, 32)
    frames = [np.full((20 + 13 * n, 31, 3), 50 * n, np.uint8) for n in range(4)]
    with detector_on(shim_gpu, spec, ChainOptions(batch=4)) as detector:
        for level, found in enumerate(detector.detect_batch(frames)):
            assert found.image_score == pytest.approx(50 * level / 255)
            assert np.ptp(found.anomaly_map) == 0


def test_a_map_that_is_no_number_is_noticed_on_the_gpu(shim_gpu):
    spec = Preprocessing(32, 32)
    frame = np.zeros((64, 64, 3), np.uint8)
    frame[40, 20] = 200  # a quarter of it is 50
    with detector_on(shim_gpu, spec, poison=np.float32(50) / np.float32(255)) as detector:
        assert np.isnan(detector.score(frame))
        assert detector.score(np.zeros_like(frame)) == 0
        assert shim_gpu.done.count("0:download") == 2


def test_nothing_is_allocated_for_a_frame(shim_gpu):
    frame = np.zeros((50, 60, 3), np.uint8)
    with detector_on(shim_gpu, Preprocessing(32, 32)) as detector:
        detector.score(frame)
        made = dict(shim_gpu.made)
        for _ in range(5):
            detector.score(frame)
        assert shim_gpu.made == made


def test_where_nothing_compiles_the_kernels_the_cpu_prepares_frames_and_the_reason_is_told(
    monkeypatch,
):
    def none_here(gpu, names):
        raise CudaError("There is no compiler.", fix="Run: pip install one")

    monkeypatch.setattr(engine_choice, "kernel_images", none_here)
    kernels, refusal = kernels_for(GPU, Preprocessing(32, 32))
    assert kernels is None
    assert refusal == "There is no compiler. Run: pip install one"


def test_compiled_kernels_are_what_the_detector_gets(shim_gpu, monkeypatch):
    monkeypatch.setattr(engine_choice, "kernel_images", lambda gpu, names: IMAGES)
    kernels, refusal = kernels_for(GPU, Preprocessing(32, 32))
    assert refusal is None
    assert isinstance(kernels(Device(shim_gpu)), DeviceKernels)
