"""Bundles with fresh, untrained weights: export does not care how good a network is."""

import dataclasses
import io
import time

import numpy as np
import pytest
import torch
from safetensors.torch import save

from slsg_edge.bundle.folder import Bundle, Manifest, new_bundle
from slsg_edge.models.slsg.network import SlsgSpec, network_from_spec
from slsg_edge.preprocessing import Preprocessing


def _frames(count: int, side: int) -> bytes:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    frames = coarse.repeat(side // 8, 1).repeat(side // 8, 2)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, frames=frames)
    return buffer.getvalue()


@pytest.fixture
def trained(tmp_path):
    """A function of variant and side that gives a bundle as `train` would leave it."""

    def make(variant: str = "edge", side: int = 96) -> Bundle:
        torch.manual_seed(0)
        spec = SlsgSpec(variant)
        network = network_from_spec(spec, side, side)
        manifest = Manifest("slsg", dataclasses.asdict(spec), Preprocessing(side, side))
        files = {
            "weights.safetensors": save(network.state_dict()),
            "frames.npz": _frames(4, side),
        }
        bundle = new_bundle(tmp_path / f"{variant}.slsg", manifest)
        return bundle.commit("train", files, command="slsg-edge train", started=time.monotonic())

    return make
