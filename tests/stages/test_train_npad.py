"""N-pad from a folder of good images to a graph: no gradient, one pass, the same when resumed."""

import dataclasses

import cv2
import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import save_file

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.tolerances import DEFAULTS
from slsg_edge.errors import ConfigError, DatasetError
from slsg_edge.images import look_of, read_image, usual_frames
from slsg_edge.models.backbones import Trunk
from slsg_edge.models.npad.network import NpadNetwork
from slsg_edge.models.npad.settings import NpadSettings, StatisticsSettings
from slsg_edge.models.npad.spec import DEFAULT_BRANCHES, NpadSpec
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.stages.export import export_bundle
from slsg_edge.stages.reference import trained_model
from slsg_edge.stages.train import train

FUSED = {"branches": DEFAULT_BRANCHES, "bank": 64, "sub_banks": 4, "cells": 3}


@pytest.fixture
def settings() -> NpadSettings:
    return NpadSettings(
        holdout=0.0,
        model=NpadSpec(channels=8, centroids=16),
        preprocessing=Preprocessing(96, 96),
        training=StatisticsSettings(batch=2, sample=60),
    )


def _run(images, name, settings, resources, **options):
    path = images.parent / name
    told = {"command": "slsg-edge train", "notify": lambda _: None}
    train(images, path, settings, resources, **told, **options)
    return path


def _weights(path):
    return (path / "weights.safetensors").read_bytes()


def _scores(path, frames):
    with torch.inference_mode():
        return trained_model(open_bundle(path))(torch.from_numpy(np.stack(frames)))[1]


@pytest.mark.parametrize("change", [{}, FUSED], ids=["sum", "fused"])
def test_a_defect_scores_above_good_images_and_none_is_at_the_end(
    good_images, settings, resources, change
):
    settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, **change))
    path = _run(good_images, "a.slsg", settings, resources)
    good = [read_image(image) for image in sorted(good_images.iterdir())]
    damaged = good[0].copy()
    damaged[35:55, 35:55] = (20, 220, 220)
    scores = _scores(path, [*good, damaged])
    assert scores[-1] > scores[:-1].max()
    assert scores[:-1].median() < 0.3
    assert (scores > 1e-4).all()
    assert (scores < 1).all()


@pytest.mark.slow
@pytest.mark.parametrize("reduction", ["projection", "pca"])
def test_the_same_seed_gives_the_same_weights(good_images, settings, resources, reduction):
    statistics = dataclasses.replace(settings.training, reduction=reduction)
    settings = dataclasses.replace(settings, training=statistics)
    first = _weights(_run(good_images, "a.slsg", settings, resources))
    second = _weights(_run(good_images, "b.slsg", settings, resources))
    other = dataclasses.replace(settings, seed=1)
    assert first == second != _weights(_run(good_images, "c.slsg", other, resources))


@pytest.mark.slow
@pytest.mark.parametrize("change", [{}, FUSED], ids=["sum", "fused"])
def test_a_stopped_run_resumes_to_the_same_weights(
    good_images, settings, resources, stopped_after, change
):
    settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, **change))
    whole = _weights(_run(good_images, "whole.slsg", settings, resources))
    for steps, lost in ((2, False), (3, True), (4, False)):  # 3 are the statistics'
        name = f"parts{steps}.slsg"
        with stopped_after(steps):
            _run(good_images, name, settings, resources)
        kept = good_images.parent / f"parts{steps}.run" / "kept.bin"
        if lost:
            kept.unlink()
        assert _weights(_run(good_images, name, settings, resources, resume=True)) == whole
        assert not kept.exists()


def test_fewer_images_than_a_covariance_needs_are_refused(good_images, settings, resources):
    statistics = dataclasses.replace(settings.training, neighbourhood=1)
    with pytest.raises(DatasetError, match="needs 9"):
        _run(good_images, "a.slsg", dataclasses.replace(settings, training=statistics), resources)


@pytest.mark.slow
@pytest.mark.parametrize("change", [{}, {"rank": 3}, FUSED], ids=["sum", "rank", "fused"])
def test_the_graph_has_neither_inverse_nor_search_and_a_head_in_fp32(
    good_images, settings, resources, change
):
    model = dataclasses.replace(settings.model, **change)
    path = _run(good_images, "a.slsg", dataclasses.replace(settings, model=model), resources)
    done = export_bundle(open_bundle(path), dynamic=True, images=None, command="slsg-edge export")
    graph = onnx.load(path / "model.onnx").graph
    assert sum(node.op_type == "TopK" for node in graph.node) == 1  # the score's
    assert not {"Det", "Einsum", "GridSample", "Inverse", "Loop"} & {
        node.op_type for node in graph.node
    }
    head = {node.name for node in graph.node if node.name.startswith("network.head")}
    floats = {name for name in done.fp32_nodes if name.startswith("network.head")}
    assert {name for name in head if "/MatMul" in name or "/Conv" in name} <= floats
    assert not any(name.startswith("network.trunk.layer") for name in done.fp32_nodes)


def test_a_layer_without_weights_is_refused(good_images, settings, resources, tmp_path):
    weights = tmp_path / "to_layer2.safetensors"
    save_file(Trunk("resnet18", 2).state_dict(), weights)
    with pytest.raises(ConfigError, match="layer3"):
        _run(
            good_images,
            "a.slsg",
            settings,
            dataclasses.replace(resources, backbone_weights=str(weights)),
        )


def test_what_int8_may_cost_stands_in_the_bundle(good_images, settings, resources):
    path = _run(good_images, "a.slsg", settings, resources)
    tolerances = open_bundle(path).manifest.tolerances
    assert tolerances["int8"] == NpadNetwork.tolerances["int8"]
    assert tolerances["fp16"] == DEFAULTS["fp16"]


@pytest.mark.slow
def test_the_bundle_keeps_the_depth_and_what_the_good_images_share(
    good_images, settings, resources, tmp_path
):
    expected = usual_frames(look_of(read_image(path)) for path in good_images.iterdir())
    for path in good_images.iterdir():
        values = np.rint(read_image(path) * (4095 / 255)).astype(np.uint16)
        cv2.imwrite(str(path), values)
    manifest = open_bundle(_run(good_images, "a.slsg", settings, resources)).manifest
    assert manifest.preprocessing.depth == 12
    assert manifest.usual.darkest == pytest.approx(expected.darkest, abs=1)
    assert (manifest.usual.width, manifest.usual.height) == (expected.width, expected.height)
