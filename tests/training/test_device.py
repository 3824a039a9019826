"""What differs between devices, as far as a CPU can show it."""

import pytest
import torch

from slsg_edge.errors import ConfigError
from slsg_edge.machine import host
from slsg_edge.models.slsg.graph import GraphHead, GraphSpec
from slsg_edge.models.slsg.network import SlsgSpec, network_from_spec
from slsg_edge.training.device import device_from_name


def test_auto_finds_a_device_and_takes_the_workers_that_are_asked_for(monkeypatch):
    monkeypatch.setattr(host, "usable_cores", lambda: 4)
    assert device_from_name("auto", 3).workers == 3
    assert device_from_name("auto", 0).workers == 0


def test_no_more_workers_than_cores(monkeypatch):
    monkeypatch.setattr(host, "usable_cores", lambda: 4)
    assert device_from_name("cpu", 100_000).workers == 4


@pytest.mark.parametrize("name", ["cuda:99", "cuda:x", "gpu", "cpu:1"])
def test_a_device_that_is_not_there_is_refused(name):
    with pytest.raises(ConfigError, match=name):
        device_from_name(name, 0)


def test_the_graph_chooses_the_same_neighbours_under_autocast():
    torch.manual_seed(0)
    head = GraphHead(GraphSpec(channels=32, key_channels=16, grid=(8, 8))).eval()
    x = torch.randn(1, 32, 8, 8)
    with torch.inference_mode():
        plain = head(x)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = head(x)
    assert mixed.dtype == torch.float32
    assert torch.equal(plain, mixed)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no NVIDIA GPU")
def test_training_steps_repeat_on_a_gpu():
    device = device_from_name("cuda", 0)

    def weights() -> torch.Tensor:
        torch.manual_seed(0)
        network = network_from_spec(SlsgSpec("edge"), 96, 96)
        device.arrange(network.train())
        optimiser = torch.optim.SGD(network.parameters(), 0.1)
        for seed in range(3):
            torch.manual_seed(seed)
            with device.autocast():
                logits, _ = network(torch.rand(4, 3, 96, 96, device=device.place))
            device.descend(logits.float().square().mean(), optimiser)
        return network.get_parameter("out.weight").detach().cpu()

    assert torch.equal(weights(), weights())
