"""Our `paper` network is the official one: same weights, same logits."""

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from slsg_edge.errors import ConfigError
from slsg_edge.models.slsg.network import SlsgSpec, network_from_spec
from slsg_edge.models.slsg.official import convert

FIXTURES = Path(__file__).resolve().parents[3] / "shared/fixtures"
NAMES = FIXTURES / "slsg_official_state_dict.txt"
PARITY = FIXTURES / "slsg_official_parity.npz"
pytestmark = pytest.mark.slow  # 256x256 through the whole network, in FP32
needs_fixtures = pytest.mark.skipif(
    not PARITY.exists(), reason="the official network's outputs are not beside this checkout"
)


def _tensor(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """By the rule that the fixture was made with."""
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    random = np.random.RandomState(zlib.crc32(name.replace("f_query", "f_key").encode()))
    normal: np.ndarray = random.standard_normal(shape).astype(np.float32)
    if name.endswith("running_var"):
        normal = 1 + 0.1 * np.abs(normal)
    elif name.endswith("running_mean"):
        normal = 0.1 * normal
    elif len(shape) == 1:
        normal = 1 + 0.1 * normal if name.endswith("weight") else 0.05 * normal
    else:
        normal = normal * np.float32(np.sqrt(1 / np.prod(shape[1:])))
    return torch.from_numpy(np.asarray(normal, np.float32))


@pytest.fixture
def official() -> dict[str, torch.Tensor]:
    tensors = {}
    for line in NAMES.read_text().splitlines():
        name, shape, _ = line.split()
        sides = () if shape == "scalar" else tuple(int(side) for side in shape.split("x"))
        tensors[name] = _tensor(name, sides)
    return tensors


@needs_fixtures
def test_same_logits_as_the_official_network(official):
    network = network_from_spec(SlsgSpec("paper"), 256, 256).eval()
    network.load_state_dict(convert(official, network.state_dict()))
    expected = np.load(PARITY)
    with torch.inference_mode():
        logits, auxiliary = network.class_logits(torch.from_numpy(expected["input"]))
    assert np.abs(logits.numpy() - expected["logits"]).mean() < 1e-3
    assert np.abs(auxiliary.numpy() - expected["aux_logits"]).mean() < 1e-3


@needs_fixtures
@pytest.mark.parametrize("quirk", ["sign", "order"])
def test_a_missing_quirk_is_noticed(official, quirk):
    network = network_from_spec(SlsgSpec("paper"), 256, 256).eval()
    network.load_state_dict(convert(official, network.state_dict()))
    if quirk == "sign":
        network.graph.positions.neg_()
    else:
        network.graph.mix[0].weight.data = network.graph.mix[0].weight.data.flip(1)
    expected = np.load(PARITY)
    with torch.inference_mode():
        logits, _ = network.class_logits(torch.from_numpy(expected["input"]))
    assert np.abs(logits.numpy() - expected["logits"]).mean() > 1e-3


@needs_fixtures
def test_a_checkpoint_with_a_tensor_missing_is_refused(official):
    del official["GCN3.fc2.0.weight"]
    expected = network_from_spec(SlsgSpec("paper"), 256, 256).state_dict()
    with pytest.raises(ConfigError, match=r"graph\.leave\.0\.weight"):
        convert(official, expected)
