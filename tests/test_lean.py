"""Nothing heavy is needed to import the package or to print --help."""

import subprocess
import sys

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
