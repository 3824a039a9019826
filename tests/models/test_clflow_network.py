"""CL-Flow's flows and network: invertible, counted right, exported as trained."""

import fnmatch
from typing import TypeVar

import numpy as np
import onnxruntime
import pytest
import torch

from slsg_edge.errors import ConfigError
from slsg_edge.export.graph import graph_from_bytes
from slsg_edge.export.island import island_of
from slsg_edge.export.onnx import onnx_from_model
from slsg_edge.models.clflow.flow import GROUPS, LARGEST, Flow, changed_groups, distance
from slsg_edge.models.clflow.network import ClflowNetwork, ClflowSpec, Fusion, network_from_spec
from slsg_edge.models.scored import PixelsToScore
from slsg_edge.preprocessing import Preprocessing

SMALL = ClflowSpec(layers=(2, 3), steps=4, hidden=0.25, kernels=(3, 1))


ModuleT = TypeVar("ModuleT", bound=torch.nn.Module)


def _stirred(module: ModuleT, deviation: float = 0.3) -> ModuleT:
    """As after training: no step is the identity any more."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(deviation * torch.randn_like(parameter))
    return module.eval()


def test_a_pair_of_steps_changes_each_group_once():
    for step in (0, 2, 4, 6, 8):
        assert sorted(changed_groups(step) + changed_groups(step + 1)) == list(range(GROUPS))


def test_eight_steps_part_any_two_groups():
    for first in range(GROUPS):
        for second in range(first):
            parted = [
                (first in changed_groups(step)) != (second in changed_groups(step))
                for step in range(8)
            ]
            assert sum(parted) >= 4  # two splits, each of them once in either direction


def test_the_log_determinant_is_that_of_the_jacobian():
    flow = _stirred(Flow((8, 2, 2), 4, 6, (3,)), 0.2).double()
    x = torch.randn(1, 8, 2, 2).double()

    def from_normalised(values: torch.Tensor) -> torch.Tensor:
        return flow.coupled(values * flow.gain + flow.bias)[0]

    jacobian = torch.autograd.functional.jacobian(from_normalised, x).reshape(32, 32)
    _, stretches = flow.coupled(x * flow.gain + flow.bias)
    expected = torch.linalg.slogdet(jacobian).logabsdet / 32
    assert flow.log_determinant(stretches).item() == pytest.approx(expected.item(), abs=1e-5)


def test_an_untrained_flow_is_its_layer_norm():
    flow, x = Flow((8, 4, 4), 4, 8, (3,)), torch.randn(2, 8, 4, 4)
    z, _ = flow(x)
    assert torch.allclose(z, flow.normalised(x))


def test_what_no_good_image_gives_stays_finite():
    flow = _stirred(Flow((8, 4, 4), 8, 8, (3,)), 30.0)
    z, _ = flow(1e4 * torch.randn(1, 8, 4, 4))
    assert z.abs().max() == LARGEST
    assert distance(z).half().isfinite().all()


def test_distance_sums_in_fp32():
    z = torch.full((1, 64, 2, 2), LARGEST).half()
    assert torch.equal(distance(z), torch.full((1, 1, 2, 2), LARGEST**2 / 2))


def test_a_larger_distance_at_any_scale_is_a_larger_logit():
    fusion = _stirred(Fusion(2), 2.0)
    low, high = torch.full((1, 1, 4, 4), 0.5), torch.full((1, 1, 4, 4), 5.0)
    coarse_low, coarse_high = low[..., :2, :2], high[..., :2, :2]
    base = fusion([low, coarse_low])
    assert (fusion([high, coarse_low]) > base).all()
    assert (fusion([low, coarse_high]) > base).all()


@pytest.mark.parametrize(
    "spec", [ClflowSpec(layers=(1,), steps=2), ClflowSpec(layers=(1, 2, 3), steps=2), SMALL]
)
def test_logits_at_full_resolution(spec):
    network = network_from_spec(spec, 64, 96).eval()
    with torch.inference_mode():
        (logits,) = network(torch.zeros(2, 3, 64, 96))
    assert logits.shape == (2, 1, 64, 96)


@pytest.mark.parametrize(("side", "layers"), [(100, (1, 2, 3)), (32, (2, 3)), (144, (4,))])
def test_resolutions_that_do_not_fit_are_refused(side, layers):
    with pytest.raises(ConfigError, match=str(side)):
        network_from_spec(ClflowSpec(layers=layers), 256, side)


def test_a_score_of_more_pixels_than_there_are_is_refused():
    with pytest.raises(ConfigError, match="score_pixels is 5000"):
        network_from_spec(ClflowSpec(score_pixels=5000), 64, 64)


@pytest.mark.parametrize(
    "wrong",
    [
        {"layers": ()}, {"layers": (3, 2)}, {"layers": (2, 5)}, {"steps": 3}, {"hidden": 0.0},
        {"kernels": (2,)}, {"score_pixels": 0},
    ],
)  # fmt: skip
def test_specs_that_make_no_network_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        ClflowSpec(**wrong)


def _exported() -> tuple[PixelsToScore, bytes]:
    model = PixelsToScore(_stirred(network_from_spec(SMALL, 64, 64), 0.02)).eval()
    return model, onnx_from_model(model, Preprocessing(64, 64), dynamic=True)


@pytest.fixture(scope="module")
def exported() -> tuple[PixelsToScore, bytes]:
    return _exported()


@pytest.mark.slow
def test_the_exported_graph_gives_what_the_trained_network_gives(exported):
    model, content = exported
    frame = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    found = onnxruntime.InferenceSession(content).run(None, {"frame": frame})
    with torch.inference_mode():
        expected = model(torch.from_numpy(frame))
    for ours, theirs in zip(expected, found, strict=True):
        np.testing.assert_allclose(theirs, ours.numpy(), atol=1e-5)


@pytest.mark.slow
def test_the_exported_graph_shuffles_and_counts_nothing(exported):
    """Neither a permutation nor what only the likelihood needs is left in it."""
    graph = graph_from_bytes(exported[1])
    flows = [node.op_type for node in graph.nodes if node.name.startswith("network.flows")]
    assert flows.count("LayerNormalization") == 2
    assert not {"Gather", "Log", "MatMul"} & set(flows)


@pytest.mark.slow
def test_flows_stay_out_of_int8_and_their_sums_in_fp32(exported):
    graph = graph_from_bytes(exported[1])
    names = [node.name for node in graph.nodes if node.name.startswith("network.flows")]
    assert all(fnmatch.fnmatch(name, ClflowNetwork.keep_fp16[0]) for name in names)
    island = island_of(graph)
    kept = {node.op_type for node in graph.nodes if node.name in island}
    assert {"LayerNormalization", "Exp", "Log"} <= kept
    convolutions = {node.name for node in graph.nodes if node.op_type == "Conv"}
    assert not convolutions & set(island)
