"""Weight files in torchvision's names, whole and partial."""

import threading
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest
import torch

from slsg_edge.errors import ConfigError, StorageError
from slsg_edge.models.backbone_weights import backbone_weights
from slsg_edge.models.backbones import Trunk, load_trunk

REAL = (
    Path(__file__).resolve().parents[3] / "shared/weights/resnet18_imagenet_to_layer3.safetensors"
)


def test_a_partial_file_loads_and_says_what_stays_random():
    weights = Trunk(depth=2).state_dict()
    trunk = Trunk(depth=4)
    assert load_trunk(trunk, weights).random == ("layer3", "layer4")
    assert torch.equal(trunk.conv1.weight, weights["conv1.weight"])


def test_foreign_weights_are_refused():
    with pytest.raises(ConfigError, match="no tensor name"):
        load_trunk(Trunk(), {"backbone.stem.weight": torch.zeros(1)})


def test_a_tensor_of_another_shape_is_refused():
    with pytest.raises(ConfigError, match=r"conv1\.weight is \(64, 1, 7, 7\)"):
        load_trunk(Trunk(), {"conv1.weight": torch.zeros(64, 1, 7, 7)})


@pytest.mark.skipif(not REAL.exists(), reason="the ImageNet weights are not beside this checkout")
def test_real_weights_fill_edge_and_are_seen_to_be_folded():
    loaded = load_trunk(Trunk(depth=3), backbone_weights(str(REAL)))
    assert loaded.random == ()
    assert loaded.folded_batch_norm


def test_a_missing_weight_file_names_itself(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.pth"):
        backbone_weights(str(tmp_path / "gone.pth"))


@pytest.mark.parametrize("name", ["noise.pth", "noise.safetensors"])
def test_a_file_that_is_no_state_dict_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"not weights at all")
    with pytest.raises(ConfigError, match=name):
        backbone_weights(str(tmp_path / name))


def test_a_list_is_no_state_dict(tmp_path):
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    with pytest.raises(ConfigError, match="no plain state dict"):
        backbone_weights(str(tmp_path / "list.pth"))


def test_a_folder_is_no_weight_file(tmp_path):
    with pytest.raises(ConfigError, match="Cannot read"):
        backbone_weights(str(tmp_path))


class WrongFile(SimpleHTTPRequestHandler):
    """A web server whose file has another sha256."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"not the weights")


def test_a_corrupt_copy_is_fetched_again_and_checked_again(tmp_path, monkeypatch):
    with HTTPServer(("127.0.0.1", 0), WrongFile) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr("slsg_edge.models.backbone_weights.TORCHVISION_URL", url)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        (tmp_path / "slsg-edge").mkdir()
        (tmp_path / "slsg-edge" / "resnet18-f37072fd.pth").write_bytes(b"cut short")
        with pytest.raises(StorageError, match="sha256"):
            backbone_weights("imagenet")


def test_a_pickle_with_code_in_it_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("run",))

    torch.save(Evil(), tmp_path / "evil.pth")
    with pytest.raises(ConfigError, match=r"evil\.pth"):
        backbone_weights(str(tmp_path / "evil.pth"))


def test_a_torch_state_dict_loads(tmp_path):
    weights = Trunk(depth=1).state_dict()
    torch.save(weights, tmp_path / "trunk.pth")
    found = backbone_weights(str(tmp_path / "trunk.pth"))
    assert found.keys() == weights.keys()


def test_none_is_no_weights():
    assert backbone_weights("none") is None
