import json

import pytest
import typer
from typer.testing import CliRunner

from slsg_edge.bench.gpu import ChainTiming, GpuBenchSettings, KernelTiming, gpu_benchmark
from slsg_edge.cli.bench_group import bench_group
from slsg_edge.errors import ConfigError
from slsg_edge.runtime.gpu import compilation, cuda
from slsg_edge.runtime.gpu.device import Device
from slsg_edge.runtime.gpu.pixel_formats import ROW_BYTES

SMALL = GpuBenchSettings(64, 48, 16, rounds=3, launches=4, pool=2**15)


def test_every_part_is_measured_and_no_frame_allocates(machine):
    device = Device(machine.driver())
    found = gpu_benchmark(device, machine.images, SMALL)
    assert found.copy_gb_s > 0
    assert [one.pixels for one in found.kernels] == list(ROW_BYTES)
    for one in found.kernels:
        assert one.microseconds > 0
        assert one.share == pytest.approx(one.touched / one.microseconds / (found.copy_gb_s * 1e3))
    assert found.kernels[0].touched == 64 * 48 * 3 + 16 * 16 * 3
    chain = found.chain
    assert set(chain.stages) == {"upload", "preprocess", "engine", "download"}
    assert chain.chain >= max(chain.stages.values()) > 0
    assert chain.upload > 0
    assert chain.whole > 0
    assert chain.allocations_per_frame == 0


@pytest.mark.parametrize(
    ("took", "share", "said"),
    [
        (20, 0.61, "60% or more"),
        (9.9, 0.3, "below 10 us, 2.5 of it without the frame"),
        (20, 0.59, "below 60%"),
    ],
)
def test_a_kernel_is_judged_by_its_bandwidth_or_by_its_launch(took, share, said):
    assert KernelTiming("bgr", took, 2.5, 1, share).verdict == said


def test_the_chain_may_take_1_2_uploads_and_20_us():
    assert ChainTiming(100, 0, {}, 0, 0, 0).limit == pytest.approx(140)


@pytest.mark.parametrize("size", [(641, 480), (640, 481), (0, 2)])
def test_a_frame_that_no_camera_gives_in_nv12_is_refused(size):
    with pytest.raises(ConfigError, match="do not exist in every format"):
        GpuBenchSettings(*size)


def test_a_frame_larger_than_the_memory_to_measure_in_is_refused():
    with pytest.raises(ConfigError, match="A frame of 32000x32000 is larger than 268435456 bytes"):
        GpuBenchSettings(32000, 32000)


@pytest.mark.slow
# its kernels are many, and threads of the shim that share a core take long over each
@pytest.mark.parametrize("machine", [1, pytest.param(None, marks=pytest.mark.gpu)], indirect=True)
def test_the_command_prints_a_table_or_json(machine, monkeypatch):
    monkeypatch.setattr(cuda, "open_device", lambda: Device(machine.driver()))
    monkeypatch.setattr(compilation, "kernel_images", lambda gpu, names: machine.images)
    app = typer.Typer()
    app.add_typer(bench_group, name="bench")
    arguments = ["bench", "gpu", "--width", "64", "--height", "48", "--side", "16", "--rounds", "1"]
    printed = CliRunner().invoke(app, arguments).output
    assert "allocations per frame: 0" in printed
    assert "yuyv" in printed
    summary = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).output)
    assert summary["chain"]["upload"] > 0
    assert len(summary["kernels"]) == 4
    assert summary["chain_limit"] == pytest.approx(1.2 * summary["chain"]["upload"] + 20)
