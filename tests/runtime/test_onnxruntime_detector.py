import subprocess
import sys
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc for the peak of the process")
def test_a_model_of_80_mb_stays_below_700_mb(tmp_path):
    path = tmp_path / "large.onnx"
    path.write_bytes(large_model())
    assert path.stat().st_size > 80e6
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from slsg_edge.machine.host import peak_mb\n"
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
        pads: dict[str, Any] = {"pads": [1, 1, 1, 1], "strides": [2, 2] if i == 1 else [1, 1]}
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
