"""On a real GPU: `pytest -m gpu`. Elsewhere each test says why it is skipped."""

import os
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from slsg_edge.bundle.engine_record import EngineOptions
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.contracts import Frame
from slsg_edge.errors import CudaError, EngineError, MissingDependency
from slsg_edge.machine.host import peak_mb
from slsg_edge.preprocessing import prepare
from slsg_edge.runtime.engine_choice import engine_for, engine_from, open_engine
from slsg_edge.runtime.gpu.chain import ChainOptions
from slsg_edge.runtime.gpu.cuda import open_device
from slsg_edge.runtime.pipeline import Pipeline
from slsg_edge.stages.engine import WORKSPACE_MB, build_engine, target_named

pytestmark = pytest.mark.gpu

TESTS = Path(__file__).resolve().parents[2]
SIDE = 512
LOST = """
import numpy as np
from stand_in import NumberedDevice, StandIn, stand_in_image
from slsg_edge.contracts import Frame
from slsg_edge.errors import CudaError
from slsg_edge.line.watching import WatchOptions, inspect
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime.gpu.chain import ChainOptions
from slsg_edge.runtime.gpu.cuda import PycudaDriver, open_device
from slsg_edge.runtime.tensorrt import TensorRtDetector
from slsg_edge.scoring import Threshold

spec = Preprocessing(32, 32)
device = NumberedDevice(PycudaDriver())
network = StandIn(device, stand_in_image(device.gpu), spec, 1, -1.0)
detector = TensorRtDetector(device, network, b"", spec, ChainOptions(graph=False))
frame = Frame(0, "test", 0, 0, image=np.full((40, 40, 3), 51, np.uint8))
for network.lost in (False, True, False):
    record = inspect(frame, detector, Threshold(0.5, "manual"), WatchOptions()).record
    print(record.verdict, record.reason)
detector.close()
"""


@pytest.fixture
def device():
    try:
        opened = open_device()
    except (CudaError, MissingDependency) as error:
        pytest.skip(str(error))
    with opened:
        yield opened


@pytest.fixture
def engine(toy_bundle):
    """The toy model of the other tests, built here; and how its frames are prepared."""
    options = EngineOptions("fp32", WORKSPACE_MB)
    try:
        open_device().close()
        build_engine(open_bundle(toy_bundle), target_named("current"), options, "test")
    except (CudaError, MissingDependency, EngineError) as error:
        pytest.skip(str(error))
    bundle = open_bundle(toy_bundle)
    return engine_from(bundle, engine_for(bundle, "fp32")), bundle.manifest.preprocessing


def random_frame(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def test_bytes_go_up_and_come_back(device):
    frame = random_frame(0)
    host, buffer = device.host(frame.shape, np.uint8), device.buffer(frame.size)
    stream, done = device.stream(), device.event()
    np.copyto(host.array, frame)
    stream.upload(buffer.address, host.array)
    stream.record(done)
    device.wait(done)
    host.array[:] = 0
    stream.download(host.array, buffer.address)
    stream.record(done)
    device.wait(done)
    assert (host.array == frame).all()


def test_a_stream_that_waits_for_another_stays_behind_it(device):
    size = 2**28  # bytes: long enough that the second stream would win without waiting
    first, second = device.stream(), device.stream()
    filled, done = device.event(), device.event()
    buffer, host = device.buffer(size), device.host((size,), np.uint8)
    for value in range(1, 20):
        first.fill(buffer.address, value, size)
        first.record(filled)
        second.wait(filled)
        second.download(host.array, buffer.address)
        second.record(done)
        device.wait(done)
        assert (host.array[[0, size // 2, -1]] == value).all()


def test_a_second_thread_is_refused(device):
    said = []

    def intrude() -> None:
        with pytest.raises(CudaError) as caught:
            device.buffer(1)
        said.append(caught.value.what)

    thread = threading.Thread(target=intrude)
    thread.start()
    thread.join()
    assert "belongs to the thread" in said[0]


def test_a_graph_gives_what_was_captured(device):
    stream, done = device.stream(), device.event()
    buffer, host = device.buffer(64), device.host((64,), np.uint8)
    graph = stream.capture(lambda: stream.fill(buffer.address, 7, 64))
    stream.run(graph)
    stream.download(host.array, buffer.address)
    stream.record(done)
    device.wait(done)
    assert (host.array == 7).all()


def test_a_gpu_that_fails_ends_in_undecided_and_neither_hangs_nor_crashes(device):
    """In a process of its own, for the context is lost."""
    paths = [str(TESTS.parent), str(TESTS), *sys.path]  # pycuda may be anywhere
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-c", LOST]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    good, failed, later = done.stdout.splitlines()
    assert good.startswith("good")
    assert failed.startswith("undecided")
    assert "failed on" in failed
    assert later.startswith("undecided")
    assert "of no use any more" in later


def test_an_engine_gives_what_the_graph_gives_with_and_without_a_cuda_graph(engine):
    built, spec = engine
    frame = random_frame(1)
    expected = prepare(frame, spec).mean(-1) / 255
    for graph in (False, True):
        with closing(open_engine(built, spec, ChainOptions(graph=graph))) as detector:
            found = detector.detect(frame)
            np.testing.assert_allclose(found.anomaly_map, expected, atol=1e-5)
            assert found.image_score == pytest.approx(expected.max(), abs=1e-5)
            assert graph is False or "no CUDA graph" not in detector.name


def test_frames_in_flight_never_mix(engine):
    built, spec = engine
    frames = [Frame(n, "test", 0, 0, image=random_frame(n)) for n in range(100)]
    with closing(open_engine(built, spec, ChainOptions(lanes=2))) as detector:
        pipeline = Pipeline(frames, detector)
        for frame in pipeline:
            expected = prepare(frame.image, spec).mean(-1) / 255
            found = pipeline.detect(frame.image).anomaly_map
            np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.slow
def test_memory_stays_flat_over_10_000_frames(engine, device):
    built, spec = engine
    frames = [random_frame(n) for n in range(8)]
    with closing(open_engine(built, spec)) as detector:
        for n in range(500):
            detector.detect(frames[n % 8])
        free, resident = device.free_bytes(), peak_mb()
        for n in range(10_000):
            detector.detect(frames[n % 8])
        assert free - device.free_bytes() < 2**20
        assert peak_mb() - resident < 4
