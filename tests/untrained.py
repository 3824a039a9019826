"""A bundle with fresh, untrained weights: export does not care how good a network is."""

import dataclasses
import io
import time
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors.torch import save

from slsg_edge.bundle.folder import Bundle, Manifest, new_bundle
from slsg_edge.models.slsg.network import SlsgSpec, network_from_spec
from slsg_edge.preprocessing import Preprocessing


def untrained_bundle(
    folder: Path, variant: Literal["paper", "edge"] = "edge", side: int = 96
) -> Bundle:
    """As `train` would leave it, below `folder`."""
    torch.manual_seed(0)
    spec = SlsgSpec(variant)
    network = network_from_spec(spec, side, side)
    manifest = Manifest("slsg", dataclasses.asdict(spec), Preprocessing(side, side))
    files = {"weights.safetensors": save(network.state_dict()), "frames.npz": _frames(4, side)}
    bundle = new_bundle(folder / f"{variant}.slsg", manifest)
    return bundle.commit("train", files, command="slsg-edge train", started=time.monotonic())


def _frames(count: int, side: int) -> bytes:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    frames = coarse.repeat(side // 8, 1).repeat(side // 8, 2)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, frames=frames)
    return buffer.getvalue()
