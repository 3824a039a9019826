"""A checkpoint as the official code writes it, through the command line to a running graph."""

import sys

import numpy as np
import pytest
import torch

from slsg_edge import cli
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.errors import ConfigError
from slsg_edge.images import encode_image
from slsg_edge.models.slsg.network import SlsgSpec, network_from_spec
from slsg_edge.models.slsg.official import OFFICIAL_PREFIXES
from slsg_edge.runtime.detector import choose, open_choice
from slsg_edge.stages.import_slsg import import_official


def _official_name(name):
    """Our name of a tensor as the official code has it."""
    for theirs, ours in OFFICIAL_PREFIXES.items():
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    return name


@pytest.fixture
def checkpoint(tmp_path):
    """Fresh weights under the official names, with the tensors that its forward never uses."""
    torch.manual_seed(0)
    ours = network_from_spec(SlsgSpec("paper"), 256, 256).state_dict()
    tensors = {_official_name(name): tensor for name, tensor in ours.items()}
    value = tensors["GCN3.graph_conv.gconv.f_value.weight"]
    square = torch.zeros(512, 512, 3, 3)
    square[..., 1] = value
    tensors["GCN3.graph_conv.gconv.f_value.weight"] = square
    tensors["encoder_segment.resnet18.fc.weight"] = torch.zeros(1000, 512)
    tensors["GCN3.relative_pos"] = torch.zeros(1, 256, 256)
    torch.save(tensors, tmp_path / "official.tch")
    return tmp_path / "official.tch", ours


def test_the_weights_arrive_unchanged(checkpoint, tmp_path):
    from safetensors.torch import load_file

    path, ours = checkpoint
    bundle = import_official(path, tmp_path / "a.slsg", command="slsg-edge import-slsg")
    found = load_file(bundle.file("weights.safetensors"))
    assert found.keys() == ours.keys()
    assert all(torch.equal(found[name], ours[name]) for name in ours)


@pytest.mark.slow
def test_an_imported_network_is_exported_and_runs(checkpoint, tmp_path, monkeypatch):
    folder = tmp_path / "good"
    folder.mkdir()
    for index in range(2):
        picture = np.random.default_rng(index).integers(0, 255, (90, 90, 3), dtype=np.uint8)
        (folder / f"{index}.png").write_bytes(encode_image(picture))
    for words in (
        ["import-slsg", str(checkpoint[0]), "-o", str(tmp_path / "a.slsg")],
        ["export", str(tmp_path / "a.slsg"), "--images", str(folder)],
    ):
        monkeypatch.setattr(sys, "argv", ["slsg-edge", *words])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        assert not stopped.value.code
    bundle = open_bundle(tmp_path / "a.slsg")
    detector = open_choice(bundle, choose(bundle))
    assert 0 <= detector.detect(np.zeros((50, 60, 3), np.uint8)).image_score <= 1
    detector.close()


def test_a_list_is_no_checkpoint(tmp_path):
    torch.save([1, 2], tmp_path / "list.tch")
    with pytest.raises(ConfigError, match="no plain state dict"):
        import_official(tmp_path / "list.tch", tmp_path / "a.slsg", command="x")
