from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from bundles import with_file
from fake_gpu import FakeGpu
from fake_tensorrt import PLAN, FakeKernels, FakeTensorRt

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.errors import BundleError
from slsg_edge.runtime import engine_choice
from slsg_edge.runtime.batching import SharingOptions
from slsg_edge.runtime.detector import BackendChoice, choose
from slsg_edge.runtime.gpu.device import Device
from slsg_edge.runtime.sharing import open_shared, share_choice
from slsg_edge.runtime.tensorrt import TensorRtDetector

CAMERAS = SharingOptions(cameras=4, patience=0.2)
PICTURES = [np.full((40 + n, 50, 3), 51 * n, np.uint8) for n in range(4)]
SCORES = pytest.approx([0, 0.2, 0.4, 0.6])


def scores_of(bundle, choice):
    with share_choice(bundle, choice, CAMERAS) as shared, ThreadPoolExecutor(4) as pool:
        return [answer.image_score for answer in pool.map(shared.detect, PICTURES)]


def test_the_model_of_a_bundle_serves_several_cameras(toy_bundle):
    bundle = open_bundle(toy_bundle)
    assert scores_of(bundle, choose(bundle, "onnxruntime")) == SCORES


@pytest.mark.parametrize("largest", [1, 3, 8])
def test_an_engine_gets_batches_as_large_as_it_takes(toy_bundle, monkeypatch, largest):
    gpu = FakeGpu()
    trt = FakeTensorRt(gpu, batch=largest)

    def open_engine(engine, spec, options):
        return TensorRtDetector(
            Device(gpu), trt, PLAN, spec, options, kernels=lambda on: FakeKernels(on, spec)
        )

    monkeypatch.setattr(engine_choice, "open_engine", open_engine)
    monkeypatch.setattr(engine_choice, "engine_from", lambda bundle, path: PLAN)
    choice = BackendChoice("tensorrt-fp32", "fp32", Path("a.engine"), "as asked")
    assert scores_of(open_bundle(toy_bundle), choice) == SCORES
    assert max(trt.enqueued) == min(largest, 4)  # of the warm-up, at the latest
    assert gpu.closed


def test_the_best_backend_is_shared_where_none_is_named(toy_bundle):
    with open_shared(open_bundle(toy_bundle), cameras=2) as shared:
        assert shared.detect(PICTURES[1]).image_score == pytest.approx(0.2)
        assert "onnxruntime" in shared.name


def test_a_model_that_does_not_load_is_said_at_once(toy_bundle):
    bundle = with_file(open_bundle(toy_bundle), "model.onnx", b"{}")
    choice = choose(bundle, "onnxruntime-fp32")
    with pytest.raises(BundleError, match="no model that ONNX Runtime can load"):
        share_choice(bundle, choice, CAMERAS)
