"""Fetches TensorRT's Python bindings, without its libraries, for the proof of the API.

python tests/fetch_tensorrt_bindings.py build/tensorrt-bindings
"""

import subprocess
import sys

# Of each family the oldest and the newest that is supported, and 8.6 for what it is worth.
WHEELS = (
    "tensorrt-bindings==8.6.1",
    "tensorrt-cu12-bindings==10.3.0",
    "tensorrt-cu13-bindings==10.16.1.11",
    "tensorrt-cu13-bindings==11.4.0.106",
    "tensorrt-rtx-cu13-bindings==1.4.0.76",
    "tensorrt-rtx-cu13-bindings==1.7.1.116",
)


def fetch(folder: str) -> None:
    """For this Python; pip keeps what is there already."""
    for wheel in WHEELS:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--dest", folder, wheel]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    fetch(sys.argv[1])
