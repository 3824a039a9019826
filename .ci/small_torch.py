"""Prints what pip needs to take PyTorch's small build: `make setup` hands it on.

It prints nothing where an NVIDIA GPU may want the large one, where there is no other (macOS), and
where the index of the small one does not answer: then pip takes what it finds.
"""

import shutil
import sys
import urllib.request
from pathlib import Path

INDEX = "https://download.pytorch.org/whl/cpu"
PATIENCE = 5  # seconds
# of the driver, of a Jetson, of Windows below WSL
NVIDIA = ("/proc/driver/nvidia", "/etc/nv_tegra_release", "/usr/lib/wsl/lib/nvidia-smi")


def pip_arguments() -> tuple[str, str]:
    """The arguments, and why."""
    if sys.platform != "linux":
        return "", "PyTorch has one build for this system"
    if shutil.which("nvidia-smi") or any(Path(place).exists() for place in NVIDIA):
        return "", "there is an NVIDIA GPU: PyTorch's large build"
    if not answers(INDEX):
        return "", f"{INDEX} does not answer: PyTorch as pip finds it"
    return f"--extra-index-url {INDEX}", "there is no NVIDIA GPU: PyTorch's small build"


def answers(index: str) -> bool:
    try:
        with urllib.request.urlopen(f"{index}/torch/", timeout=PATIENCE):
            return True
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    arguments, why = pip_arguments()
    sys.stderr.write(f"setup: {why}\n")
    print(arguments)
