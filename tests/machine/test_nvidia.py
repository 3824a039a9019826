"""The driver probe, against a small library that answers as a driver would."""

import json
import shutil
import subprocess
import sys

import pytest

from slsg_edge.errors import CudaError
from slsg_edge.machine import nvidia

DRIVER = r"""
#include <string.h>
int cuInit(unsigned flags) { return INIT; }
int cuDeviceGetCount(int *count) { *count = COUNT; return 0; }
int cuDeviceGet(int *device, int index) { *device = 7; return 0; }
int cuDeviceGetName(char *name, int length, int device) {
    strncpy(name, device == 7 ? "Orin" : "?", length); return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 75 ? 8 : attribute == 76 ? 7 : attribute == 18 ? INTEGRATED : -1;
    return 0; }
int cuDriverGetVersion(int *version) { *version = 12060; return 0; }
"""
ASK = """
import dataclasses, json, sys
from slsg_edge.machine import nvidia
nvidia.DRIVER = sys.argv[1]
try:
    print(json.dumps([dataclasses.asdict(nvidia.first_gpu()), nvidia.shares_memory()]))
except nvidia.CudaError as error:
    print(json.dumps(str(error)))
"""


@pytest.fixture
def ask(tmp_path):
    """What a driver with so many devices, or with that error, is taken for."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")

    def run(count: int = 1, error: int = 0, integrated: int = 0):
        library = tmp_path / "libcuda.so.1"
        flags = ["-shared", "-fPIC", f"-DCOUNT={count}", f"-DINIT={error}"]
        flags += [f"-DINTEGRATED={integrated}", "-x", "c", "-"]
        subprocess.run(["gcc", *flags, "-o", library], input=DRIVER, text=True, check=True)
        done = subprocess.run(
            [sys.executable, "-c", ASK, str(library)], capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    return run


def test_a_gpu_is_described(ask):
    found, shares = ask()
    assert not shares
    assert (found["name"], found["compute_capability"], found["cuda"]) == ("Orin", "8.7", "12.6")


def test_a_gpu_that_shares_the_cpus_memory_is_told(ask):
    assert ask(integrated=1)[1]


def test_a_driver_without_a_device_is_no_gpu(ask):
    assert "reports error 0 and 0 devices" in ask(count=0)


def test_a_driver_that_fails_says_its_error(ask):
    assert "reports error 999" in ask(error=999)


def test_no_driver_is_an_error_with_a_next_step(monkeypatch):
    monkeypatch.setattr(nvidia, "DRIVER", "no-such-driver.so")
    with pytest.raises(CudaError, match=r"cannot be loaded.*apt install nvidia-driver"):
        nvidia.gpu_count()


def test_the_release_of_a_jetson_is_read(tmp_path, monkeypatch):
    release = tmp_path / "nv_tegra_release"
    monkeypatch.setattr(nvidia, "_RELEASE", release)
    assert nvidia.l4t() is None
    release.write_text("# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic\n")
    assert nvidia.l4t() == "36.4.3"


@pytest.mark.parametrize(
    "line",
    [
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024",
        "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.4.0  Release Build",
    ],
)
def test_the_version_of_the_driver_is_read(tmp_path, monkeypatch, line):
    monkeypatch.setattr(nvidia, "_KERNEL_MODULE", tmp_path / "version")
    assert nvidia._driver_version() is None
    (tmp_path / "version").write_text(line)
    assert nvidia._driver_version() in ("550.54.15", "540.4.0")
