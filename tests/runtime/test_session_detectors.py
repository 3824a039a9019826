"""What holds for every library that runs the exported graph on the CPU."""

import re

import numpy as np
import pytest
from onnx import TensorProto

from slsg_edge.errors import BundleError, CameraError, ConfigError
from slsg_edge.preprocessing import Preprocessing, Roi
from slsg_edge.runtime.onnxruntime import OnnxRuntimeDetector
from slsg_edge.runtime.openvino import OpenVinoDetector

SPEC = Preprocessing(32, 32)


@pytest.fixture(params=[OnnxRuntimeDetector, OpenVinoDetector])
def opened(request):
    """What makes a detector of a model file."""
    return request.param


@pytest.fixture
def model(tmp_path, toy_model):
    path = tmp_path / "model.onnx"
    path.write_bytes(toy_model())
    return path


def test_a_frame_of_any_size_gives_a_map_and_a_score(opened, model):
    frame = np.full((50, 70, 3), 51, np.uint8)
    with opened(model, SPEC) as detector:
        prediction = detector.detect(frame)
    assert prediction.anomaly_map.shape == (32, 32)
    assert prediction.anomaly_map.dtype == np.float32
    assert prediction.image_score == pytest.approx(0.2)
    assert type(prediction.image_score) is float


def test_only_the_region_of_interest_is_looked_at(opened, model):
    frame = np.zeros((50, 70, 3), np.uint8)
    frame[:10, :10] = 255
    with opened(model, Preprocessing(32, 32, roi=Roi(20, 20, 30, 30))) as detector:
        assert detector.detect(frame).image_score == 0
        with pytest.raises(ConfigError, match="outside a frame of 40x40"):
            detector.detect(frame[:40, :40])


@pytest.mark.parametrize("batch", ["N", 1])
def test_prepared_frames_run_whatever_the_batch_of_the_model(opened, tmp_path, toy_model, batch):
    path = tmp_path / "model.onnx"
    path.write_bytes(toy_model(batch=batch))
    prepared = np.stack([np.full((32, 32, 3), level, np.uint8) for level in (0, 51, 255)])
    with opened(path, SPEC, threads=1) as detector:
        maps, scores = detector.run(prepared)
    assert maps.shape == (3, 32, 32)
    np.testing.assert_allclose(scores, [0, 0.2, 1], rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((0, 32, 32, 3), "uint8"), ((2, 32, 31, 3), "uint8"), ((32, 32, 3), "uint8"),
     ((2, 32, 32, 3), "float32")],
)  # fmt: skip
def test_prepared_frames_of_another_shape_are_refused_and_both_are_named(
    opened, model, shape, kind
):
    with opened(model, SPEC) as detector:
        with pytest.raises(CameraError, match=rf"{re.escape(str(shape))} {kind}.*\(N, 32, 32, 3\)"):
            detector.run(np.zeros(shape, kind))
        assert detector.run(np.zeros((1, 32, 32, 3), np.uint8))[1] == [0]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (np.zeros((8, 8), np.uint8), r"\(8, 8\) uint8"),
        (np.zeros((8, 8, 4), np.uint8), r"\(8, 8, 4\) uint8"),
        (np.zeros((8, 8, 3), np.uint16), r"\(8, 8, 3\) uint16"),
        (np.zeros((0, 8, 3), np.uint8), r"\(0, 8, 3\) uint8"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_colour_picture_is_refused_and_named(opened, model, frame, said):
    with opened(model, SPEC) as detector, pytest.raises(CameraError, match=said):
        detector.detect(frame)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"size": 16}, r"takes frame uint8 \(.*16, 16, 3\), where frame uint8 \(N, 32, 32, 3\) is"),
        ({"batch": 2}, r"takes frame uint8 \(2, 32, 32, 3\)"),
        ({"kind": TensorProto.FLOAT}, "takes frame float32"),
        ({"score": "score"}, "where anomaly_map and image_score"),
        ({"keep_channels": True}, r"gives a map \(1, 32, 3\)"),
    ],
)
def test_a_model_that_breaks_the_contract_is_refused(opened, tmp_path, toy_model, broken, said):
    path = tmp_path / "model.onnx"
    path.write_bytes(toy_model(**broken))
    with pytest.raises(BundleError, match=said):
        opened(path, SPEC)


@pytest.mark.parametrize("content", [b"no model at all", None])
def test_what_is_no_model_is_refused(opened, tmp_path, toy_model, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(toy_model()[:-40] if content is None else content)
    with pytest.raises(BundleError, match=r"model\.onnx is no model"):
        opened(path, SPEC)


def test_an_empty_file_is_refused(opened, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"")
    with pytest.raises(BundleError, match=r"model\.onnx is no model that .* can load"):
        opened(path, SPEC)


def test_the_bytes_of_a_graph_give_the_numbers_of_its_file(opened, model):
    frames = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    with opened(model, SPEC) as of_file, opened(model.read_bytes(), SPEC) as of_bytes:
        for expected, given in zip(of_file.run(frames), of_bytes.run(frames), strict=True):
            np.testing.assert_array_equal(given, expected)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", r"The graph is no model that .* can load"),
        (b"no model at all", r"The graph is no model that .* can load"),
        ({"size": 16}, r"The graph takes frame uint8 \(.*16, 16, 3\)"),
    ],
)
def test_bytes_that_are_no_model_are_refused(opened, toy_model, content, said):
    with pytest.raises(BundleError, match=said):
        opened(content if isinstance(content, bytes) else toy_model(**content), SPEC)


def test_a_missing_model_is_refused(opened, tmp_path):
    with pytest.raises(BundleError, match="is no model"):
        opened(tmp_path / "absent.onnx", SPEC)


def test_closing_twice_is_no_error(opened, model):
    detector = opened(model, SPEC)
    detector.close()
    detector.close()
