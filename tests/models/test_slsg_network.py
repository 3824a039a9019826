"""Both variants: shapes, cost, and what the graph head computes."""

from typing import Literal

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from slsg_edge.errors import ConfigError
from slsg_edge.models.slsg.graph import GraphHead, GraphSpec, relative_positions
from slsg_edge.models.slsg.network import SlsgSpec, network_from_spec


def _multiply_adds(variant: Literal["paper", "edge"]) -> int:
    network = network_from_spec(SlsgSpec(variant), 256, 256).eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 3, 256, 256))
    return counter.get_total_flops() // 2


@pytest.mark.parametrize("variant", ["paper", "edge"])
def test_logits_at_full_resolution(variant):
    network = network_from_spec(SlsgSpec(variant), 128, 160).eval()
    with torch.inference_mode():
        logits, auxiliary = network(torch.zeros(2, 3, 128, 160))
    assert logits.shape == auxiliary.shape == (2, 1, 128, 160)


@pytest.mark.slow
def test_edge_costs_at_most_a_quarter_of_paper():
    assert _multiply_adds("edge") <= 0.25 * _multiply_adds("paper")


@pytest.mark.parametrize("side", [90, 64, 100])
def test_resolutions_that_do_not_fit_are_refused(side):
    with pytest.raises(ConfigError, match=str(side)):
        network_from_spec(SlsgSpec("edge"), 256, side)


def test_relative_positions_are_one_on_the_diagonal_and_fall_with_distance():
    table = relative_positions(64, (4, 6))
    assert torch.allclose(table.diagonal(), torch.ones(24))
    assert table[0, 1] > table[0, 5]
    assert torch.equal(table, table.T)


def _naive_sparse_branch(nodes: torch.Tensor, keys: torch.Tensor, head: GraphHead) -> torch.Tensor:
    """Straight from the definition, one node and neighbour at a time."""
    unit = keys / keys.norm(dim=0)
    similarity = unit.T @ unit + head.positions
    result = torch.empty_like(nodes)
    for node in range(nodes.shape[1]):
        order = similarity[node].argsort(descending=True)
        ranks = range(0, head.spec.neighbours * head.spec.dilation, head.spec.dilation)
        differences = [nodes[:, order[rank]] - nodes[:, node] for rank in ranks]
        result[:, node] = torch.stack(differences).amax(0)
    return result


def test_sparse_branch_is_the_largest_difference_to_each_neighbour():
    torch.manual_seed(0)
    head = GraphHead(GraphSpec(channels=16, key_channels=8, grid=(4, 4), neighbours=3, dilation=2))
    nodes, keys = torch.randn(2, 16, 4, 4), torch.randn(2, 8, 16)
    found = head._compare(nodes, keys)
    for image in range(2):
        expected = _naive_sparse_branch(nodes[image].flatten(1), keys[image], head)
        assert torch.allclose(found[image].flatten(1), expected, atol=1e-5)


def test_images_of_a_batch_do_not_see_each_other():
    torch.manual_seed(0)
    head = GraphHead(GraphSpec(channels=16, key_channels=8, grid=(6, 6))).eval()
    x = torch.randn(3, 16, 6, 6)
    with torch.inference_mode():
        together = head(x)
        alone = torch.cat([head(image[None]) for image in x])
    assert torch.allclose(together, alone, atol=1e-5)
