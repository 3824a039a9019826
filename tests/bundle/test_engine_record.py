"""Which engine runs where, and what is said when it does not."""

import dataclasses

import pytest
from bundles import unchecked

from slsg_edge.bundle.digests import Content
from slsg_edge.bundle.engine_record import (
    EngineOptions,
    Fingerprint,
    IoTensor,
    LayerCount,
    fingerprint_of,
    require_usable,
    runs_rtx,
)
from slsg_edge.errors import BundleError, EngineError
from slsg_edge.machine.nvidia import Gpu

ORIN = Gpu("Orin", "8.7", "12.6", "540.4.0", "36.4.3")
RTX_4090 = Gpu("NVIDIA GeForce RTX 4090", "8.9", "13.0", "580.95")
REBUILD = "slsg-edge build-engine juice.slsg"
ON_ORIN = Fingerprint(
    tensorrt="tensorrt",
    version="10.3.0",
    onnx_sha256="ab",
    options=EngineOptions("fp16", 1024, batches=(1, 4, 8), dla_core=0),
    layers=(LayerCount("CONVOLUTION", "HALF", 41),),
    fp32_layers=("network.graph/MatMul_3",),
    inputs=(IoTensor("frame", "UINT8", (-1, 256, 256, 3)),),
    outputs=(IoTensor("image_score", "FLOAT", (-1,)),),
    opened=True,
    seconds=63.5,
    size=123,
    peak_mb=900.5,
    gpu=ORIN,
)
PORTABLE = dataclasses.replace(
    ON_ORIN, tensorrt="tensorrt_rtx", version="1.7.1", gpu=None, options=EngineOptions("fp16", 1024)
)


def test_what_is_written_is_read_again(tmp_path):
    for number, fingerprint in enumerate((ON_ORIN, PORTABLE)):
        engine = tmp_path / f"{number}-fp16.engine"
        engine.with_suffix(".json").write_bytes(fingerprint.to_bytes())
        assert fingerprint_of(unchecked(engine.with_suffix(".json"))) == fingerprint


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"tensorrt": 3}', b"\xff"])
def test_a_damaged_fingerprint_is_refused(tmp_path, content):
    with pytest.raises(BundleError, match="is damaged"):
        fingerprint_of(Content(tmp_path / "a.json", content))


def require(fingerprint, tmp_path, tensorrt, version, gpu):
    require_usable(fingerprint, tmp_path / "a.engine", tensorrt, version, gpu, REBUILD)


def test_an_engine_runs_where_it_was_built(tmp_path):
    require(ON_ORIN, tmp_path, "tensorrt", "10.3.0", ORIN)
    newer_driver = dataclasses.replace(ORIN, cuda="12.9", driver="541.0", l4t="36.5")
    require(ON_ORIN, tmp_path, "tensorrt", "10.3.0", newer_driver)


@pytest.mark.parametrize(
    ("tensorrt", "version", "gpu", "here"),
    [
        ("tensorrt", "10.7.0", ORIN, "tensorrt 10.7.0"),
        ("tensorrt_rtx", "10.3.0", ORIN, "tensorrt_rtx 10.3.0"),
        ("tensorrt", "10.3.0", RTX_4090, r"RTX 4090 \(8\.9\)"),
        ("tensorrt", "10.3.0", dataclasses.replace(ORIN, name="Orin NX"), r"Orin NX \(8\.7\)"),
    ],
)
def test_an_engine_of_another_machine_names_both_and_the_command(
    tmp_path, tensorrt, version, gpu, here
):
    built = r"(tensorrt 10\.3\.0|Orin \(8\.7\))"
    with pytest.raises(EngineError, match=rf"built for {built}, but this is .*{here}") as refused:
        require(ON_ORIN, tmp_path, tensorrt, version, gpu)
    assert refused.value.fix == f"Run: {REBUILD}"


def test_a_portable_engine_wants_its_version_and_an_rtx_gpu(tmp_path):
    require(PORTABLE, tmp_path, "tensorrt_rtx", "1.7.1", RTX_4090)
    with pytest.raises(EngineError, match=r"RTX GPUs from 8\.0, but this is Tesla T4 \(7\.5\)"):
        require(PORTABLE, tmp_path, "tensorrt_rtx", "1.7.1", Gpu("Tesla T4", "7.5", "12.6"))
    with pytest.raises(EngineError, match=r"tensorrt_rtx 1\.7\.1, but this is tensorrt_rtx 1\.8"):
        require(PORTABLE, tmp_path, "tensorrt_rtx", "1.8", RTX_4090)


@pytest.mark.parametrize(
    ("targets", "capability", "runs"),
    [
        ((), "8.6", True),
        ((), "12.0", True),
        ((), "7.5", False),
        (("sm86", "sm89"), "8.9", True),
        (("sm86",), "8.9", False),
        (("sm120",), "12.0", True),
    ],
)
def test_compute_capabilities_decide(targets, capability, runs):
    assert runs_rtx(targets, capability) is runs
