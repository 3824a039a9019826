"""FractalAD's graph: what it needs of an engine, and what of it stays in FP32."""

import functools
from typing import Literal

import numpy as np
import pytest
import torch

from slsg_edge.export.graph import PrecisionRules, graph_from_bytes
from slsg_edge.export.island import island_of
from slsg_edge.export.onnx import onnx_from_model
from slsg_edge.models.fractalad.network import FractalSpec, network_from_spec
from slsg_edge.models.scored import PixelsToScore
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime.onnxruntime import OnnxRuntimeDetector

pytestmark = pytest.mark.slow

SIZE = Preprocessing(64, 96)


@functools.cache
def _exported(
    head: Literal["fam", "fpn"] = "fam",
    mode: Literal["auto", "object", "texture"] = "object",
    score_pixels: int = 0,
):
    """The network and its graph; three levels, so two alignments."""
    torch.manual_seed(0)
    spec = FractalSpec(depth=3, head=head, mode=mode, score_pixels=score_pixels)
    model = PixelsToScore(network_from_spec(spec, SIZE.height, SIZE.width)).eval()
    rules = PrecisionRules(model.network.keep_fp32, model.network.keep_fp16)
    return model, onnx_from_model(model, SIZE, dynamic=False, rules=rules)


def _kinds(**options):
    return [node.op_type for node in graph_from_bytes(_exported(**options)[1]).nodes]


@pytest.mark.parametrize(("head", "samples"), [("fam", 2), ("fpn", 0)])
def test_only_flow_alignment_needs_grid_sample(head, samples):
    kinds = _kinds(head=head)
    assert kinds.count("GridSample") == samples
    assert "TopK" not in kinds


def test_a_texture_is_half_the_backbones_and_a_top_k_score_is_chosen_in_the_graph():
    both, alone = _kinds(head="fpn"), _kinds(head="fpn", mode="texture", score_pixels=100)
    # a ResNet-18 to layer3: stem, 12 in blocks, 2 shortcuts
    assert both.count("Conv") - alone.count("Conv") == 15
    assert alone.count("TopK") == 1


def test_attention_and_alignment_stay_in_fp32_and_backbones_do_not():
    island = island_of(graph_from_bytes(_exported()[1]))
    modules = {name.split("/")[0] for name in island}
    assert {"network.attention", "network.head.alignments.0"} <= modules
    assert not any(name.startswith(("network.teacher", "network.student")) for name in island)


@pytest.mark.parametrize("head", ["fam", "fpn"])
def test_the_graph_is_the_network(head, tmp_path):
    model, graph = _exported(head=head)
    frames = np.random.default_rng(0).integers(0, 255, (2, 64, 96, 3), dtype=np.uint8)
    with torch.inference_mode():
        expected = [answer.numpy() for answer in model(torch.from_numpy(frames))]
    path = tmp_path / "model.onnx"
    path.write_bytes(graph)
    with OnnxRuntimeDetector(path, SIZE) as detector:
        maps, scores = detector.run(frames)
    np.testing.assert_allclose(maps, expected[0], atol=1e-5)
    np.testing.assert_allclose(scores, expected[1], atol=1e-5)
