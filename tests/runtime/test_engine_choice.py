import importlib.util
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from fake_gpu import ORIN
from fake_tensorrt import PLAN, SPEC, Machine, picture

from slsg_edge.bundle.engine_record import EngineOptions, Fingerprint
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.errors import BundleError, CudaError, EngineError, MissingDependency, UntrustedBundle
from slsg_edge.machine.nvidia import Gpu
from slsg_edge.machine.tensorrt import RTX, load_tensorrt
from slsg_edge.runtime import engine_choice
from slsg_edge.runtime.engine_choice import (
    Engine,
    engine_for,
    engine_from,
    holds_engine,
    open_engine,
)
from slsg_edge.runtime.gpu.device import Device
from slsg_edge.runtime.gpu.programs import TensorRtRuntime
from slsg_edge.stages.engine import WORKSPACE_MB, build_engine, target_named

BUILT = Fingerprint(
    tensorrt="tensorrt", version="10.3.0", onnx_sha256="", options=EngineOptions("fp16", 512),
    layers=(), fp32_layers=(), inputs=(), outputs=(), opened=True, seconds=1.0, size=6,
    peak_mb=1.0, gpu=ORIN,
)  # fmt: skip
PORTABLE = replace(BUILT, tensorrt=RTX, version="1.7.0", gpu=None)


def with_engine(path, name="current-fp16", fingerprint=BUILT):
    files = {
        f"engines/{name}.engine": b"engine",
        f"engines/{name}.json": fingerprint.to_bytes(),
    }
    return open_bundle(path).commit(
        f"build-engine:{name}",
        files,
        command=f"slsg-edge build-engine {{bundle}} --target {name}",
        started=time.monotonic(),
        inputs=("model.onnx",),
    )


@pytest.fixture
def orin(monkeypatch):
    """An Orin with TensorRT 10.3.0, TensorRT-RTX 1.7.0 and PyCUDA."""

    def load_runtime(names):
        name, version = (RTX, "1.7.0") if names == (RTX,) else ("tensorrt", "10.3.0")
        return SimpleNamespace(name=name, version=version), None

    monkeypatch.setattr(engine_choice, "first_gpu", lambda: ORIN)
    monkeypatch.setattr(engine_choice, "load_runtime", load_runtime)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())


def test_the_engine_for_this_machine_is_found(toy_bundle, orin):
    bundle = with_engine(toy_bundle)
    assert engine_for(bundle, "fp16") == toy_bundle / "engines/current-fp16.engine"
    assert holds_engine(bundle, "fp16")
    assert not holds_engine(bundle, "int8")


def test_a_bundle_without_an_engine_says_what_to_run(toy_bundle, orin):
    with_engine(toy_bundle)
    with pytest.raises(BundleError, match=r"build-engine .*made\.slsg --precision int8"):
        engine_for(open_bundle(toy_bundle), "int8")


@pytest.mark.parametrize(
    ("change", "sides"),
    [
        ({"version": "10.7.0"}, r"built for tensorrt 10\.7\.0, but this is tensorrt 10\.3\.0"),
        ({"gpu": Gpu("NVIDIA L4", "8.9", "12.6")}, r"NVIDIA L4 \(8\.9\).*Orin \(8\.7\)"),
    ],
)
def test_an_engine_of_another_machine_is_refused_with_the_command_that_mends_it(
    toy_bundle, orin, change, sides
):
    bundle = with_engine(toy_bundle, fingerprint=replace(BUILT, **change))
    with pytest.raises(EngineError, match=sides) as caught:
        engine_for(bundle, "fp16")
    assert caught.value.fix == f"Run: slsg-edge build-engine {toy_bundle} --target current-fp16"


def test_of_two_engines_the_one_for_this_very_gpu_is_taken(toy_bundle, orin):
    with_engine(toy_bundle, "rtx-fp16", PORTABLE)
    assert engine_for(open_bundle(toy_bundle), "fp16").stem == "rtx-fp16"
    bundle = with_engine(toy_bundle)
    assert engine_for(bundle, "fp16").stem == "current-fp16"


def test_an_engine_that_fits_is_taken_though_another_does_not(toy_bundle, orin):
    with_engine(toy_bundle, fingerprint=replace(BUILT, version="10.7.0"))
    bundle = with_engine(toy_bundle, "rtx-fp16", PORTABLE)
    assert engine_for(bundle, "fp16").stem == "rtx-fp16"


def test_of_several_faults_that_of_the_best_engine_is_told(toy_bundle, orin):
    with_engine(toy_bundle, fingerprint=replace(BUILT, version="10.7.0"))
    bundle = with_engine(toy_bundle, "rtx-fp16", replace(PORTABLE, version="1.0.0"))
    with pytest.raises(EngineError, match=r"built for tensorrt 10\.7\.0") as caught:
        engine_for(bundle, "fp16")
    assert caught.value.fix == f"Run: slsg-edge build-engine {toy_bundle} --target current-fp16"


@pytest.fixture
def gpu(orin, monkeypatch):
    """A fake GPU and TensorRT behind `open_engine`, without compilers of kernels."""

    def no_compiler(gpu, names):
        raise CudaError("There is no compiler.", fix="")

    machine = Machine()
    monkeypatch.setattr(engine_choice, "open_device", lambda: Device(machine.gpu))
    monkeypatch.setattr(engine_choice, "TensorRtRuntime", lambda *_: machine.trt)
    monkeypatch.setattr(engine_choice, "kernel_images", no_compiler)
    return machine.gpu


def engine(plan=PLAN):
    return Engine(plan, BUILT)


def test_an_engine_is_opened_with_the_device_in_the_hands_of_its_detector(gpu):
    with open_engine(engine(), SPEC) as detector:
        assert detector.score(picture(51)) == pytest.approx(0.2)
        assert "frames prepared by the CPU: There is no compiler" in detector.name
        assert not gpu.closed
    assert gpu.closed


@pytest.mark.parametrize("error", [OSError("nvcc does not start"), KeyboardInterrupt()])
def test_whatever_fails_before_the_detector_is_there_closes_the_device(gpu, monkeypatch, error):
    def fail(gpu, names):
        raise error

    monkeypatch.setattr(engine_choice, "kernel_images", fail)
    with pytest.raises(type(error)):
        open_engine(engine(), SPEC)
    assert gpu.closed


def test_a_plan_that_is_refused_closes_the_device(gpu):
    with pytest.raises(EngineError, match="plan is damaged"):
        open_engine(engine(b"other"), SPEC)
    assert gpu.closed


def test_an_engine_that_is_swapped_between_check_and_use_is_never_opened(toy_bundle, orin):
    bundle = with_engine(toy_bundle)
    path = engine_for(bundle, "fp16")
    assert engine_from(bundle, path).fingerprint == BUILT
    path.with_name("other").write_bytes(b"x" * path.stat().st_size)
    path.with_name("other").replace(path)
    with pytest.raises(UntrustedBundle, match="is not the file that"):
        engine_from(bundle, path)


@pytest.mark.parametrize("suffix", [".engine", ".json"])
def test_a_changed_engine_or_fingerprint_is_never_read(toy_bundle, orin, suffix):
    bundle = with_engine(toy_bundle)
    path = toy_bundle / f"engines/current-fp16{suffix}"
    path.write_bytes(path.read_bytes().replace(b"e", b"i", 1))
    with pytest.raises(UntrustedBundle):
        engine_for(bundle, "fp16")


def test_what_this_machine_lacks_is_said_before_anything_is_loaded(toy_bundle, orin, monkeypatch):
    bundle = with_engine(toy_bundle)

    def no_driver():
        raise CudaError("no driver", fix="")

    monkeypatch.setattr(engine_choice, "first_gpu", no_driver)
    with pytest.raises(CudaError, match="no driver"):
        engine_for(bundle, "fp16")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"slsg-edge\[cuda\]"):
        engine_for(bundle, "fp16")


@pytest.fixture
def rtx():
    try:
        trt = load_tensorrt(RTX)
    except MissingDependency:
        pytest.skip("TensorRT-RTX is not installed")
    return TensorRtRuntime(trt, trt.module.Runtime(trt.logger))


def test_real_tensorrt_refuses_what_is_no_engine_and_its_words_are_kept(rtx):
    assert rtx.name.startswith("tensorrt_rtx 1.")
    assert rtx.program(b"no engine" * 100) is None
    assert rtx.log()
    assert rtx.log() == ()


def test_real_tensorrt_refuses_an_engine_that_is_cut_off_at_any_kilobyte(rtx, toy_bundle):
    options = EngineOptions("fp32", WORKSPACE_MB)
    build_engine(open_bundle(toy_bundle), target_named("rtx"), options, "test")
    (path,) = toy_bundle.glob("engines/*.engine")
    plan = path.read_bytes()
    assert len(plan) > 10 * 1024
    for length in range(0, len(plan), 1024):
        assert rtx.program(plan[:length]) is None
        assert "deserialize" in rtx.log()[0]
