"""Nothing heavy is needed to import the package, to print --help or to watch."""

import json
import os
import statistics
import subprocess
import sys

import pytest

HEAVY = [
    "torch", "torchvision", "onnx", "onnxruntime", "openvino", "tensorrt", "pycuda", "cv2",
    "matplotlib", "numpy",
]  # fmt: skip


def test_help_prints_without_heavy_dependencies():
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({HEAVY}, None)); "
        "sys.argv = ['slsg-edge', '--help']; from slsg_edge.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "calibrate" in done.stdout


def test_a_missing_package_names_the_extra_to_install(tmp_path):
    code = (
        "import sys; sys.modules['torch'] = None; "
        f"sys.argv = ['slsg-edge', 'train', {str(tmp_path)!r}, '-o', 'a.slsg']; "
        "from slsg_edge.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert "slsg-edge[train]" in done.stderr


# What a line PC does not have.
ABSENT = ["torch", "onnx", "onnxscript", "safetensors", "matplotlib"]


def test_a_picture_is_watched_without_what_trains(toy_bundle, tmp_path):
    cv2 = pytest.importorskip("cv2")
    np = pytest.importorskip("numpy")
    (tmp_path / "frames").mkdir()
    assert cv2.imwrite(str(tmp_path / "frames/light.png"), np.full((48, 64, 3), 220, np.uint8))
    words = ["slsg-edge", "watch", str(toy_bundle), str(tmp_path / "frames")]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({ABSENT}, None)); "
        f"sys.argv = {words!r}; from slsg_edge.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["verdict"] for line in done.stdout.splitlines()] == ["anomalous"]


def cpu_seconds(code: str) -> float:
    """User and system time of a Python of its own that runs this."""
    before = os.times()
    subprocess.run([sys.executable, "-c", code], check=True)
    after = os.times()
    return (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )


def test_importing_the_package_costs_next_to_nothing():
    code = "import sys, slsg_edge; assert 'numpy' not in sys.modules"
    pairs = [(cpu_seconds("import sys"), cpu_seconds(code)) for _ in range(5)]  # in turn
    empty, imported = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert imported - empty <= 0.05
