"""No library that runs a model here tells anybody, or leaves its own traces in the home folder."""

import os
import subprocess
import sys

import pytest

# Where one of these stands, ONNX Runtime reports nothing anyway, and the tests would show nothing.
BUILD_MACHINES = ("CI", "GITHUB_ACTIONS", "JENKINS_URL", "TF_BUILD", "ORT_DISABLE_TELEMETRY")


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_a_backend_leaves_nothing_in_the_home_folder(tmp_path, backend):
    pytest.importorskip(backend)
    around = {name: value for name, value in os.environ.items() if name not in BUILD_MACHINES}
    around.pop("XDG_CACHE_HOME", None)
    code = f"import slsg_edge.runtime.{backend}"
    subprocess.run([sys.executable, "-c", code], check=True, env={**around, "HOME": str(tmp_path)})
    assert list(tmp_path.rglob("*")) == []


def test_whoever_wants_it_reported_is_obeyed():
    code = "import os, slsg_edge; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    asked = {**os.environ, "ORT_DISABLE_TELEMETRY": "0"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=asked)
    assert done.stdout == "0\n"
