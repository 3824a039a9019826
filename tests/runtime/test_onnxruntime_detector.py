import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from slsg_edge.errors import BundleError, CameraError, ConfigError
from slsg_edge.preprocessing import Preprocessing, Roi
from slsg_edge.runtime.onnxruntime import OnnxRuntimeDetector

SPEC = Preprocessing(32, 32)


@pytest.fixture
def model(tmp_path, toy_model):
    path = tmp_path / "model.onnx"
    path.write_bytes(toy_model())
    return path


def test_a_frame_of_any_size_gives_a_map_and_a_score(model):
    frame = np.full((50, 70, 3), 51, np.uint8)
    with OnnxRuntimeDetector(model, SPEC) as detector:
        prediction = detector.detect(frame)
    assert prediction.anomaly_map.shape == (32, 32)
    assert prediction.anomaly_map.dtype == np.float32
    assert prediction.image_score == pytest.approx(0.2)
    assert type(prediction.image_score) is float


def test_only_the_region_of_interest_is_looked_at(model):
    frame = np.zeros((50, 70, 3), np.uint8)
    frame[:10, :10] = 255
    with OnnxRuntimeDetector(model, Preprocessing(32, 32, roi=Roi(20, 20, 30, 30))) as detector:
        assert detector.detect(frame).image_score == 0
        with pytest.raises(ConfigError, match="outside a frame of 40x40"):
            detector.detect(frame[:40, :40])


@pytest.mark.parametrize("batch", ["N", 1])
def test_prepared_frames_run_whatever_the_batch_of_the_model(tmp_path, toy_model, batch):
    path = tmp_path / "model.onnx"
    path.write_bytes(toy_model(batch=batch))
    prepared = np.stack([np.full((32, 32, 3), level, np.uint8) for level in (0, 51, 255)])
    with OnnxRuntimeDetector(path, SPEC, threads=1) as detector:
        maps, scores = detector.run(prepared)
    assert maps.shape == (3, 32, 32)
    np.testing.assert_allclose(scores, [0, 0.2, 1])


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
def test_what_is_no_colour_picture_is_refused_and_named(model, frame, said):
    with OnnxRuntimeDetector(model, SPEC) as detector, pytest.raises(CameraError, match=said):
        detector.detect(frame)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"size": 16}, r"\[.N., 16, 16, 3\], where frame uint8 \(N, 32, 32, 3\) is due"),
        ({"batch": 2}, r"takes frame tensor\(uint8\) \[2, 32, 32, 3\]"),
        ({"kind": TensorProto.FLOAT}, r"tensor\(float\)"),
        ({"score": "score"}, "where anomaly_map and image_score"),
        ({"keep_channels": True}, r"gives a map \(1, 32, 3\)"),
    ],
)
def test_a_model_that_breaks_the_contract_is_refused(tmp_path, toy_model, broken, said):
    path = tmp_path / "model.onnx"
    path.write_bytes(toy_model(**broken))
    with pytest.raises(BundleError, match=said):
        OnnxRuntimeDetector(path, SPEC)


@pytest.mark.parametrize("content", [b"", b"no model at all", None])
def test_what_is_no_model_is_refused(tmp_path, toy_model, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(toy_model()[:-40] if content is None else content)
    with pytest.raises(BundleError, match=r"model\.onnx is no model"):
        OnnxRuntimeDetector(path, SPEC)


def test_a_missing_model_is_refused(tmp_path):
    with pytest.raises(BundleError, match="is no model"):
        OnnxRuntimeDetector(tmp_path / "absent.onnx", SPEC)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc for the peak of the process")
def test_a_model_of_80_mb_stays_below_700_mb(tmp_path):
    path = tmp_path / "large.onnx"
    path.write_bytes(large_model())
    assert path.stat().st_size > 80e6
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from slsg_edge.machine import peak_mb\n"
        "from slsg_edge.preprocessing import Preprocessing\n"
        "from slsg_edge.runtime.onnxruntime import OnnxRuntimeDetector\n"
        "detector = OnnxRuntimeDetector(Path(sys.argv[1]), Preprocessing())\n"
        "for _ in range(3): detector.detect(np.zeros((480, 640, 3), np.uint8))\n"
        "print(peak_mb())"
    )
    command = [sys.executable, "-c", code, str(path)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert 80 < float(shown) < 700


def large_model() -> bytes:
    """Nine 3x3 convolutions of 512 channels between the pixels and the map."""
    random = np.random.default_rng(0)
    weights = {"w0": random.normal(0, 0.1, (512, 3, 4, 4))}
    weights |= {f"w{i}": random.normal(0, 0.01, (512, 512, 3, 3)) for i in range(1, 10)}
    nodes = [
        helper.make_node("Cast", ["frame"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels"], ["x"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["x", "w0"], ["x0"], strides=[4, 4]),
    ]
    for i in range(1, 10):
        pads = {"pads": [1, 1, 1, 1], "strides": [2, 2] if i == 1 else [1, 1]}
        nodes.append(helper.make_node("Conv", [f"x{i - 1}", f"w{i}"], [f"x{i}"], **pads))
    nodes += [
        helper.make_node("ReduceMean", ["x9", "channel"], ["small"], keepdims=1),
        helper.make_node("Resize", ["small", "", "", "sizes"], ["large"]),
        helper.make_node("Squeeze", ["large", "channel"], ["anomaly_map"]),
        helper.make_node("ReduceMax", ["anomaly_map", "pixel"], ["image_score"], keepdims=0),
    ]
    arrays = {name: array.astype(np.float32) for name, array in weights.items()}
    arrays |= {"channel": np.array([1]), "pixel": np.array([1, 2])}
    arrays["sizes"] = np.array([1, 1, 256, 256])
    graph = helper.make_graph(
        nodes,
        "large",
        [helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, 256, 256, 3])],
        [
            helper.make_tensor_value_info("anomaly_map", TensorProto.FLOAT, [1, 256, 256]),
            helper.make_tensor_value_info("image_score", TensorProto.FLOAT, [1]),
        ],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    opset = [helper.make_opsetid("", 20)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=10)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def test_closing_twice_is_no_error(model):
    detector = OnnxRuntimeDetector(Path(model), SPEC)
    detector.close()
    detector.close()
