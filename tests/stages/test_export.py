"""The FP16 graph in the bundle: beside the reference, proved, and as its user wants it."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest

from slsg_edge.bundle.tolerances import DEFAULTS
from slsg_edge.errors import ConfigError, ExportError
from slsg_edge.stages import export
from slsg_edge.stages.export import export_bundle

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("converted_once")]


def _export(bundle, **options):
    return export_bundle(
        bundle, **{"dynamic": False, "images": None, "command": "slsg-edge export", **options}
    )


def test_fp16_stands_beside_fp32_and_the_manifest_says_what_stayed(trained):
    done = _export(trained())
    assert done.fp16.megabytes <= 0.52 * done.fp32.megabytes
    assert done.bundle.file("model.fp16.onnx").stat().st_size == done.fp16.megabytes * 1e6
    settings = done.bundle.manifest.stages["export"].settings
    assert settings["fp32_nodes"] == list(done.fp32_nodes)
    assert sum(settings["fp32_reasons"].values()) == len(done.fp32_nodes) < done.nodes / 3


def test_what_is_asked_for_stays_in_fp32(trained):
    patterns = ["network.steps*", "network.out/*"]
    done = _export(trained(), keep_fp32=patterns)
    model = onnx.load(done.bundle.file("model.fp16.onnx"))
    kinds = {constant.name: constant.data_type for constant in model.graph.initializer}
    assert kinds["network.out.weight"] == onnx.TensorProto.FLOAT
    assert done.reasons["asked for"] > 10
    assert done.bundle.manifest.stages["export"].settings["keep_fp32"] == patterns


def test_a_pattern_that_matches_nothing_is_refused_and_nothing_is_written(trained):
    bundle = trained()
    with pytest.raises(ConfigError, match=r"network\.stepz.*network\.steps"):
        _export(bundle, keep_fp32=["network.stepz*"])
    assert not list(bundle.path.glob("*.onnx"))


def test_all_in_fp32_is_the_reference_again(trained):
    done = _export(trained(), keep_fp32=["*"])
    assert done.fp16.difference == done.fp32.difference
    assert len(done.fp32_nodes) == done.nodes


def test_a_graph_beyond_fp16s_tolerance_is_refused_and_nothing_is_written(trained):
    bundle = trained()
    strict = {**DEFAULTS, "fp16": replace(DEFAULTS["fp16"], map_mean=1e-9)}
    bundle = replace(bundle, manifest=replace(bundle.manifest, tolerances=strict))
    with pytest.raises(ExportError, match=r"In FP16 .*nor with all of it in FP32.*tolerances"):
        _export(bundle)
    assert not list(bundle.path.glob("*.onnx"))


def test_more_stays_in_fp32_until_the_proof_holds(trained):
    plain = _export(trained())
    least = plain.fp16.difference.map_mean / 2
    strict = {**DEFAULTS, "fp16": replace(DEFAULTS["fp16"], map_mean=least)}
    bundle = trained()
    done = _export(replace(bundle, manifest=replace(bundle.manifest, tolerances=strict)))
    assert done.fp16.difference.map_mean <= least
    assert done.reasons["the proof"] == len(done.fp32_nodes) - len(plain.fp32_nodes) > 0


def test_what_fp32_costs_the_network_itself_is_allowed_and_kept_in_the_manifest(trained):
    bundle = trained()
    off = _export(bundle).fp32.difference
    bundle = trained()
    limits = {**DEFAULTS, "fp32": replace(DEFAULTS["fp32"], map_mean=off.map_mean * 0.9)}
    done = _export(replace(bundle, manifest=replace(bundle.manifest, tolerances=limits)))
    assert done.bundle.manifest.tolerances["fp32"].map_mean >= off.map_mean


def test_a_graph_that_is_another_network_is_refused_still(trained, monkeypatch):
    run = export.run_graph

    def shifted(graph, frames, bundle):
        maps, scores = run(graph, frames, bundle)
        return maps + 0.01, scores

    monkeypatch.setattr(export, "run_graph", shifted)
    with pytest.raises(ExportError, match=r"not the trained network: map mean .*--images"):
        _export(trained())


def test_fp16_takes_a_dynamic_batch_too(trained):
    done = _export(trained(), dynamic=True)
    session = onnxruntime.InferenceSession(str(done.bundle.file("model.fp16.onnx")))
    frames = np.load(done.bundle.file("golden.npz"))["frames"]
    maps, scores = session.run(["anomaly_map", "image_score"], {"frame": frames})
    assert maps.shape == (4, 96, 96)
    assert scores.dtype == np.float32
