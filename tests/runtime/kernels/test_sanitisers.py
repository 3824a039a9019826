import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TESTS = sorted(HERE.glob("test_*_kernel*.py"))


def library(name):
    """The path of one of g++'s own."""
    command = ["g++", f"-print-file-name={name}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.slow
def test_no_kernel_reads_or_writes_where_it_must_not():
    """Every test of a kernel once more, under AddressSanitizer and UBSan."""
    if shutil.which("g++") is None:
        pytest.skip("there is no g++")
    if not Path(library("libasan.so")).is_file():
        pytest.skip("g++ has no AddressSanitizer")
    # libstdc++ too, or exceptions of OpenCV end the process
    preloaded = f"{library('libasan.so')} {library('libstdc++.so')}"
    environment = {
        **os.environ,
        "LD_PRELOAD": preloaded,
        "ASAN_OPTIONS": "detect_leaks=0",  # Python keeps much until the end
        "SLSG_SANITIZE": "1",
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "not gpu and not slow",
    ]
    done = subprocess.run([*command, *TESTS], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
