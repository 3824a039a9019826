import resource
import threading
from pathlib import Path

import numpy as np
import pytest

from slsg_edge.contracts import Frame
from slsg_edge.errors import CameraError, ConfigError, CudaError, EngineError
from slsg_edge.images.drawing import heat_overlay
from slsg_edge.machine.nvidia import Gpu
from slsg_edge.preprocessing import Preprocessing, Roi, cut, map_on_frame, prepare
from slsg_edge.runtime import engine_choice
from slsg_edge.runtime.engine_choice import Kernels, kernels_for
from slsg_edge.runtime.gpu.chain import ChainOptions
from slsg_edge.runtime.gpu.defect_kernels import DefectKernels
from slsg_edge.runtime.gpu.defects import defects_in, mask_of
from slsg_edge.runtime.gpu.device_kernels import DeviceKernels
from slsg_edge.runtime.gpu.pixel_formats import ROW_BYTES, Layout, to_bgr
from slsg_edge.runtime.pipeline import Pipeline

SPEC = Preprocessing(32, 32)
GPU = Gpu("Orin", "8.7", "12.6")
NEAR = 1 / 255 + 1e-6  # the kernels round once, OpenCV now and then otherwise


def noise(seed, height=60, width=80):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def expected_map(frame, spec=SPEC):
    return prepare(frame, spec).mean(-1) / 255


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
@pytest.mark.parametrize("roi", [None, Roi(3, 5, 41, 27)])
def test_a_frame_is_judged_as_if_the_cpu_had_prepared_it(machine, fit, roi):
    spec = Preprocessing(32, 32, fit, roi)
    with machine.detector(spec) as detector:
        for seed, size in enumerate([(60, 80), (33, 45), (480, 640), (34, 46)]):
            frame = noise(seed, *size)
            found = detector.detect(frame)
            assert np.abs(found.anomaly_map - expected_map(frame, spec)).max() <= NEAR
            assert found.image_score == found.anomaly_map.max()


@pytest.mark.parametrize("graph", [False, True])
def test_as_a_cuda_graph_the_chain_gives_the_same_to_the_last_bit(machine, graph):
    frame = noise(0)
    with machine.detector(SPEC, ChainOptions(graph=graph)) as detector:
        assert ("no CUDA graph" in detector.name) is not graph
        found = detector.detect(frame)
    with machine.detector(SPEC) as other:
        assert found.image_score == other.score(frame)
        np.testing.assert_array_equal(found.anomaly_map, other.last_map())


def test_frames_of_a_batch_do_not_mix(machine):
    frames = [np.full((20 + 13 * n, 31, 3), 50 * n, np.uint8) for n in range(4)]
    with machine.detector(SPEC, ChainOptions(batch=4)) as detector:
        for level, found in enumerate(detector.detect_batch(frames)):
            assert found.image_score == pytest.approx(50 * level / 255)
            assert np.ptp(found.anomaly_map) == 0
        (alone,) = detector.detect_batch(frames[2:3])
        assert alone.image_score == pytest.approx(100 / 255)


def test_frames_that_are_prepared_already_go_straight_to_the_engine(machine):
    prepared = np.stack([noise(seed, 32, 32) for seed in range(5)])
    with machine.detector(SPEC, ChainOptions(batch=2)) as detector:
        maps, scores = detector.run(prepared)
    np.testing.assert_allclose(maps, prepared.mean(-1) / 255, atol=1e-6)
    np.testing.assert_array_equal(scores, maps.max((1, 2)))


@pytest.mark.parametrize("lanes", [2, 3])
def test_frames_in_flight_never_mix(machine, lanes):
    frames = [Frame(n, "test", 0, 0, image=noise(n, 40 + n % 7, 50 + n % 5)) for n in range(50)]
    with machine.detector(SPEC, ChainOptions(lanes=lanes)) as detector:
        pipeline = Pipeline(frames, detector)
        for frame in pipeline:
            found = pipeline.detect(frame.image).anomaly_map
            assert np.abs(found - expected_map(frame.image)).max() <= NEAR


def test_a_map_that_is_no_number_is_noticed_on_the_gpu(machine):
    frame = np.zeros((64, 64, 3), np.uint8)
    frame[40, 20] = 200  # a quarter of it is 50
    with machine.detector(SPEC, poison=np.float32(50) / np.float32(255)) as detector:
        assert np.isnan(detector.score(frame))
        assert detector.score(np.zeros_like(frame)) == 0


@pytest.mark.parametrize("pixels", ROW_BYTES)
@pytest.mark.parametrize("roi", [None, Roi(7, 5, 41, 27)])
def test_a_frame_as_a_camera_gives_it_is_judged_as_in_bgr(machine, pixels, roi):
    spec = Preprocessing(32, 32, roi=roi)
    layout = Layout(pixels, 80, 60, 80 * ROW_BYTES[pixels] + 5)
    data = np.random.default_rng(0).integers(0, 256, layout.size, np.uint8)
    with machine.detector(spec) as detector:
        score = detector.score_raw(data, layout)
        found = detector.last_map()
        assert np.abs(found - expected_map(to_bgr(data, layout), spec)).max() <= NEAR
        assert score == found.max()
        with pytest.raises(CameraError, match=f"has {layout.size} bytes, not {layout.size - 1}"):
            detector.score_raw(data[1:], layout)
        if roi:
            with pytest.raises(ConfigError, match="reaches outside a frame of 40x30"):
                detector.score_raw(data[: 40 * 30], Layout("grey", 40, 30, 40))
        assert detector.score_raw(data, layout) == score  # those frames alone were refused


def test_defects_are_found_where_the_map_is_and_only_what_is_found_comes_down(machine):
    frame = np.zeros((64, 64, 3), np.uint8)
    frame[8:16, 20:40] = frame[40:44, 0:8] = 255
    with machine.detector(SPEC) as detector:
        detector.score(frame)
        mask, defects = detector.defects(0.5)
        expected = mask_of(detector.last_map(), 0.5)
        np.testing.assert_array_equal(mask, expected)
        assert defects == defects_in(expected)
        assert [defect.box for defect in defects] == [Roi(10, 4, 10, 4), Roi(0, 20, 4, 2)]
        made = machine.device.allocations
        detector.score(np.zeros_like(frame))
        assert detector.defects(0.5)[1] == []
        assert machine.device.allocations == made


@pytest.mark.parametrize("roi", [None, Roi(3, 5, 41, 27)])
def test_the_heat_lies_over_the_region_that_was_scored_last(machine, roi):
    spec = Preprocessing(32, 32, "letterbox", roi)
    with machine.detector(spec) as detector:
        for size in ((60, 80), (33, 45), (48, 64)):
            frame = noise(0, *size)
            region = cut(frame, roi)
            detector.score(frame)
            picture = detector.overlay(0.7)
            heat = map_on_frame(
                detector.last_map(), Preprocessing(32, 32, "letterbox"), region.shape
            )
            difference = picture.astype(int) - heat_overlay(region, heat, 0.7)
            assert np.abs(difference).max() <= 3  # on the edge between two colours
            assert (np.abs(difference) > 1).mean() < 0.002
        made = machine.device.allocations
        detector.overlay()
        assert machine.device.allocations == made
        detector.run(noise(0, 32, 32)[None])
        with pytest.raises(EngineError, match="has no picture of that frame"):
            detector.overlay()
        assert detector.score(frame) > 0


def test_another_thread_is_refused_and_the_detector_goes_on(machine):
    said = []

    def intrude() -> None:
        with pytest.raises(CudaError) as caught:
            detector.score(frame)
        said.append(caught.value.what)

    frame = noise(0)
    with machine.detector(SPEC) as detector:
        expected = detector.score(frame)
        thread = threading.Thread(target=intrude, name="camera 2")
        thread.start()
        thread.join()
        assert said == ["The GPU belongs to the thread 'MainThread', but 'camera 2' used it."]
        assert detector.score(frame) == expected


@pytest.mark.parametrize("graph", [False, True])
def test_nothing_is_allocated_for_a_frame(machine, graph):
    frame = noise(0)
    with machine.detector(SPEC, ChainOptions(graph=graph)) as detector:
        detector.detect(frame)
        made = machine.device.allocations
        for _ in range(20):
            detector.detect(frame)
        assert machine.device.allocations == made > 0


@pytest.mark.slow
def test_memory_stays_flat_over_many_frames_and_none_is_taken_for_another(machine):
    pictures = [noise(seed, 480, 640) for seed in range(8)]
    with machine.detector(Preprocessing(256, 256)) as detector:
        maps = [detector.detect(picture).anomaly_map for picture in pictures]
        for n in range(machine.frames // 20):
            detector.detect(pictures[n % 8])
        free, resident = machine.device.free_bytes(), resident_mb()
        for n in range(machine.frames):
            assert detector.score(pictures[n % 8]) == maps[n % 8].max()
            if n % 100 == 0:
                np.testing.assert_array_equal(detector.last_map(), maps[n % 8])
        assert free - machine.device.free_bytes() < 2**20
        assert resident_mb() - resident < 4


def test_where_nothing_compiles_the_kernels_the_cpu_prepares_frames_and_the_reason_is_told(
    monkeypatch,
):
    def none_here(gpu, names):
        raise CudaError("There is no compiler.", fix="Run: pip install one")

    monkeypatch.setattr(engine_choice, "kernel_images", none_here)
    kernels, refusal = kernels_for(GPU, Preprocessing(32, 32))
    assert kernels == Kernels(frames=None, defects=None)
    assert refusal == "There is no compiler. Run: pip install one"


def test_compiled_kernels_are_what_the_detector_gets(bench, monkeypatch):
    monkeypatch.setattr(engine_choice, "kernel_images", lambda gpu, names: bench.images)
    kernels, refusal = kernels_for(GPU, Preprocessing(32, 32))
    assert refusal is None
    assert isinstance(kernels.frames(bench.device), DeviceKernels)
    assert isinstance(kernels.defects(bench.device, bench.stream), DefectKernels)
