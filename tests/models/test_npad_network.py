"""N-pad's graph: shapes, cost, size, settings, and errors that say what to do."""

import dataclasses

import pytest
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from slsg_edge.errors import ConfigError, DatasetError
from slsg_edge.models.npad.head import LOGIT_GOOD, enlargement, softened
from slsg_edge.models.npad.network import network_from_spec
from slsg_edge.models.npad.settings import NpadSettings, StatisticsSettings
from slsg_edge.models.npad.spec import NpadSpec
from slsg_edge.preprocessing import Preprocessing

SMALL = NpadSpec(channels=8, centroids=16)


@pytest.mark.parametrize(
    "spec",
    [
        SMALL,
        dataclasses.replace(SMALL, rank=2, whole=False),
        dataclasses.replace(SMALL, layers=(1, 3), stride=16),
        dataclasses.replace(SMALL, layers=(2,), stride=4, combine="sum"),
        dataclasses.replace(SMALL, backbone="resnet50", combine="euclidean"),
    ],
)
def test_logits_at_full_resolution(spec):
    network = network_from_spec(spec, 128, 96).eval()
    with torch.inference_mode():
        (logits,) = network(torch.zeros(2, 3, 128, 96))
    assert logits.shape == (2, 1, 128, 96)
    assert logits.isfinite().all()


def test_the_trunk_goes_no_deeper_than_its_layers():
    assert not hasattr(network_from_spec(SMALL, 64, 64).backbone, "layer4")


def test_it_costs_less_than_a_fifth_more_than_its_trunk():
    network = network_from_spec(NpadSpec(), 256, 256).eval()
    costs = []
    for module in (network.trunk, network):
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            module(torch.zeros(1, 3, 256, 256))
        costs.append(counter.get_total_flops())
    assert costs[0] < costs[1] < 1.2 * costs[0]


@pytest.mark.parametrize("rank", [0, 4])
def test_the_announced_size_is_that_of_the_gaussians(rank):
    spec = dataclasses.replace(SMALL, rank=rank)
    gaussians = network_from_spec(spec, 128, 96).head.gaussians
    held = {name: 4 * tensor.numel() for name, tensor in gaussians.named_buffers()}
    assert spec.gaussian_bytes(128, 96) == sum(held.values())


@pytest.mark.parametrize("side", [90, 32, 300])
def test_resolutions_that_do_not_fit_are_refused(side):
    with pytest.raises(ConfigError, match=str(side)):
        network_from_spec(SMALL, 256, side)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"layers": ()}, "layers"),
        ({"layers": (3, 2)}, "layers"),
        ({"layers": (5,)}, "layers"),
        ({"stride": 5}, "stride"),
        ({"channels": 0}, "channels"),
        ({"channels": 400}, "384"),
        ({"rank": 64}, "rank"),
        ({"centroids": 0}, "centroids"),
        ({"smoothing": 0.0}, "smoothing"),
        ({"score_share": 2.0}, "score_share"),
    ],
)
def test_a_graph_that_cannot_be_is_refused(wrong, said):
    with pytest.raises(ConfigError, match=said):
        NpadSpec(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"neighbourhood": 2},
        {"regularisation": 0.0},
        {"shrinkage": 2.0},
        {"batch": 0},
        {"rounds": 0},
        {"sample": 0},
    ],
)
def test_statistics_that_cannot_be_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(ConfigError, match=name):
        StatisticsSettings(**wrong)


def test_centroids_need_as_many_patches():
    with pytest.raises(ConfigError, match="centroids"):
        NpadSettings(training=StatisticsSettings(sample=10))


@pytest.mark.parametrize("side", [1, 3, 5])
def test_too_few_images_are_refused_with_what_would_do(side):
    settings = NpadSettings(training=StatisticsSettings(neighbourhood=side))
    needed = settings.images_needed()
    settings.require_images(needed)
    with pytest.raises(DatasetError, match=f"needs {needed}") as caught:
        settings.require_images(needed - 1)
    assert "50 are a start" in str(caught.value.fix)


def test_memory_and_size_are_told_before_a_run():
    (hint,) = NpadSettings(preprocessing=Preprocessing(512, 512)).hints("cpu")
    assert "68 MB to each graph" in hint


def test_enlarging_is_bilinear_and_then_a_gaussian():
    cells = torch.rand(1, 1, 8, 8)
    matrix = enlargement(8, 64, 4.0)
    given = matrix @ cells[0, 0] @ matrix.T
    place = torch.arange(-20.0, 21)
    kernel = torch.exp(-(place**2) / 32)
    kernel = torch.outer(kernel, kernel)[None, None] / kernel.sum() ** 2
    enlarged = functional.interpolate(cells, 64, mode="bilinear", align_corners=False)
    smoothed = functional.conv2d(enlarged, kernel)[0, 0]
    torch.testing.assert_close(given[20:44, 20:44], smoothed, atol=1e-4, rtol=0)
    torch.testing.assert_close(matrix.sum(1), torch.ones(64))


@pytest.mark.parametrize(
    ("combine", "wanted"), [("sum", 5.0), ("max", 3.0), ("mahalanobis", 2.0), ("euclidean", 3.0)]
)
def test_distances_are_combined_on_the_scale_of_good_images(combine, wanted):
    head = network_from_spec(dataclasses.replace(SMALL, combine=combine), 64, 64).head
    head.centre[:2] = torch.tensor([10.0, 1.0])
    head.spread[:2] = torch.tensor([5.0, 0.5])
    given = head.combined(torch.tensor([20.0]), torch.tensor([2.5]))
    assert given.item() == pytest.approx(wanted)


def test_strong_anomalies_still_differ_as_probabilities():
    weak, strong = torch.sigmoid(LOGIT_GOOD + softened(torch.tensor([900.0, 1000.0])))
    assert weak < strong < 1
    assert softened(torch.tensor(0.01)).item() == pytest.approx(0.01, rel=1e-3)
