"""The build-engine stage: what lands in the bundle, and that nothing does when it fails."""

import dataclasses
import errno
import hashlib
import os
import re
import shutil

import numpy as np
import pytest
import trained
from bundles import unchecked, with_file

from slsg_edge.bundle.commands import command_for
from slsg_edge.bundle.engine_record import EngineOptions, fingerprint_of
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.errors import (
    BundleError,
    ConfigError,
    EngineError,
    MissingDependency,
    StaleBundle,
    StorageError,
)
from slsg_edge.machine.tensorrt import RTX
from slsg_edge.stages import engine as engines
from slsg_edge.stages.engine import Target, build_engine, expectation, target_named

COMMAND = "slsg-edge build-engine {bundle} --target rtx --precision fp32"
FP32 = EngineOptions("fp32", 64)


@pytest.fixture
def bundle(toy_bundle, rtx):
    return open_bundle(toy_bundle)


def contents(bundle) -> dict[str, bytes]:
    files = (path for path in bundle.path.rglob("*") if path.is_file())
    return {str(path.relative_to(bundle.path)): path.read_bytes() for path in files}


def build(bundle, options=FP32, target="rtx"):
    return build_engine(bundle, target_named(target), options, COMMAND)


def test_an_engine_lands_in_the_bundle_with_its_fingerprint(bundle, rtx):
    done = build(bundle)
    assert done.engine == bundle.path / "engines/rtx-fp32.engine"
    fingerprint = fingerprint_of(unchecked(done.engine.with_suffix(".json")))
    assert fingerprint == done.fingerprint
    assert (fingerprint.tensorrt, fingerprint.version) == (RTX, rtx.version)
    assert fingerprint.size == done.engine.stat().st_size
    model = (bundle.path / "model.onnx").read_bytes()
    assert fingerprint.onnx_sha256 == hashlib.sha256(model).hexdigest()
    assert fingerprint.options.batches == (1, 4, 8)  # the toy's batch is dynamic
    assert fingerprint.peak_mb > 10
    assert fingerprint.gpu is None
    reopened = open_bundle(bundle.path)
    assert reopened.file("engines/rtx-fp32.engine") == done.engine
    stage = reopened.manifest.stages["build-engine:rtx-fp32"]
    assert (stage.command, stage.tools[RTX]) == (COMMAND, rtx.version)


def test_engines_of_several_targets_stand_side_by_side(bundle):
    first = build(bundle)
    second = build(first.bundle, dataclasses.replace(FP32, targets=("sm86",)), "sm86")
    assert second.bundle.file("engines/rtx-fp32.engine").exists()
    assert second.bundle.file("engines/sm86-fp32.engine").exists()


def test_an_engine_is_stale_once_its_graph_changed(bundle, toy_model):
    done = build(bundle)
    export = done.bundle.manifest.stages["export"]
    files = {
        "model.onnx": toy_model(offset=0.1),
        "golden.npz": (bundle.path / "golden.npz").read_bytes(),
    }
    changed = done.bundle.commit("export", files, command=export.command, started=0)
    with pytest.raises(StaleBundle, match=re.escape(command_for(COMMAND, bundle.path))):
        changed.file("engines/rtx-fp32.engine")
    build(changed).bundle.file("engines/rtx-fp32.engine")


@pytest.mark.parametrize(("precision", "command"), [("fp16", "export"), ("int8", "calibrate")])
def test_a_graph_that_was_never_made_names_its_command(bundle, precision, command):
    with pytest.raises(BundleError, match=f"slsg-edge {command}"):
        build(bundle, EngineOptions(precision, 64))


def test_a_precision_that_is_not_there_leaves_the_bundle_as_it_was(bundle):
    lying = with_file(bundle, "model.fp16.onnx", (bundle.path / "model.onnx").read_bytes())
    before = contents(lying)
    with pytest.raises(EngineError, match="would not compute in fp16"):
        build(lying, EngineOptions("fp16", 64))
    assert contents(lying) == before


def test_a_full_disk_leaves_the_bundle_as_it_was(bundle, monkeypatch):
    done = build(bundle)
    before = contents(done.bundle)

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        build(done.bundle, dataclasses.replace(FP32, targets=("sm86",)), "sm86")
    assert contents(done.bundle) == before


def test_an_interrupt_leaves_the_bundle_as_it_was(bundle, monkeypatch):
    before = contents(bundle)

    def interrupted(self, phase, step):
        raise KeyboardInterrupt  # as the thread that waits would

    monkeypatch.setattr(engines, "engine_from_onnx", lambda *_, **__: interrupted(None, "", 0))
    with pytest.raises(KeyboardInterrupt):
        build(bundle)
    assert contents(bundle) == before


def test_too_little_memory_is_said_before_the_build(bundle, monkeypatch):
    monkeypatch.setattr(engines, "memory_mb", lambda: (3900.0, 120.0))
    with pytest.raises(EngineError, match=r"120 MB .* about 280.*swap.*--workspace-mb"):
        build(bundle)


def test_on_a_jetson_the_workspace_counts(bundle, monkeypatch):
    monkeypatch.setattr(engines, "memory_mb", lambda: (3900.0, 900.0))
    build(bundle)
    monkeypatch.setattr(engines, "l4t", lambda: "36.4.3")
    with pytest.raises(EngineError, match="about 1304"):
        build(bundle, EngineOptions("fp32", 1024))


def test_the_current_gpu_wants_a_driver_and_names_the_way_without(bundle, monkeypatch):
    monkeypatch.setattr("slsg_edge.machine.nvidia.DRIVER", "no-such-driver.so")
    with pytest.raises(EngineError, match=r"this machine's GPU.*--target rtx.*slsg-edge\[rtx\]"):
        build(bundle, target="current")


def test_the_current_gpu_wants_tensorrt_and_names_both_extras(toy_bundle, monkeypatch):
    def missing(name):
        raise MissingDependency(name, extra="tensorrt")

    monkeypatch.setattr(engines, "first_gpu", lambda: object())
    monkeypatch.setattr(engines, "load_tensorrt", missing)
    with pytest.raises(EngineError, match=r"\[rtx\].*\[tensorrt\]"):
        build(open_bundle(toy_bundle), target="current")


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("current", Target("current", "tensorrt")),
        ("rtx", Target("rtx", RTX)),
        ("sm86", Target("sm86", RTX, ("sm86",))),
        ("sm89, sm86,sm86", Target("sm86-sm89", RTX, ("sm86", "sm89"))),
    ],
)
def test_targets_have_names(text, target):
    assert target_named(text) == target


@pytest.mark.parametrize("text", ["", "orin", "sm8", "sm86;sm89", "../sm86", "8.6"])
def test_other_names_are_no_targets(text):
    with pytest.raises(ConfigError, match="no target"):
        target_named(text)


def test_a_timing_cache_that_was_tampered_with_is_left_alone(bundle):
    cached = with_file(bundle, "engines/rtx-fp32.cache", b"times")
    assert engines._timing_cache(cached, "engines/rtx-fp32") == b"times"
    (bundle.path / "engines/rtx-fp32.cache").write_bytes(b"other")
    assert engines._timing_cache(cached, "engines/rtx-fp32") == b""
    assert engines._timing_cache(cached, "engines/none") == b""


def test_what_the_passes_recorded_is_what_is_expected(bundle):
    settings = {"fp32_nodes": ["a/MatMul"], "int8_nodes": ["b/Conv"]}
    known = bundle.commit("calibrate-int8", {}, command="x", started=0, settings=settings)
    found = expectation(known, "int8")
    assert found.fp32_nodes == {"a/MatMul"}
    assert found.int8_nodes == {"b/Conv"}
    assert expectation(known, "fp16").fp32_nodes is None
    assert expectation(known, "fp32").int8_nodes is None


# of the FP32 engine; most of N-pad's are Gaussians, which stay in FP32
LARGEST = {"npad": 0.85}


def copied(path, folder):
    return open_bundle(shutil.copytree(path, folder / path.name))


@pytest.mark.slow
@pytest.mark.parametrize("variant", trained.RUNS)
def test_engines_are_small_and_fp16_is_built_without_a_word(
    rtx, quantised_bundle, tmp_path, variant
):
    bundle = copied(quantised_bundle(variant), tmp_path)
    whole = build(bundle).fingerprint
    half = build(bundle, EngineOptions("fp16", 64))
    assert half.warnings == ()
    quantised = build(bundle, EngineOptions("int8", 64)).fingerprint
    assert rtx.lines() == ()
    for smaller in (half.fingerprint, quantised):
        assert smaller.size <= LARGEST.get(variant, 0.6) * whole.size
        assert (smaller.inputs, smaller.outputs) == (whole.inputs, whole.outputs)
    assert any(count.dtype == "INT8" for count in quantised.layers)


@pytest.mark.slow
def test_an_fp32_graph_of_the_network_is_all_fp32(rtx, trained_bundle, tmp_path):
    built = build(copied(trained_bundle("edge"), tmp_path)).fingerprint
    kinds = {(count.kind, count.dtype) for count in built.layers}
    assert ("CONVOLUTION", "FLOAT") in kinds
    assert all(dtype == "FLOAT" for _, dtype in kinds)
    assert np.prod(built.inputs[0].shape[1:]) == 96 * 96 * 3
