"""Checkpoints of SLSG's official code, as bundles that can be exported and calibrated."""

import dataclasses
import hashlib
import pickle
import time
from pathlib import Path
from typing import TYPE_CHECKING

from slsg_edge.bundle import Bundle, Manifest, check_name, new_bundle
from slsg_edge.errors import ConfigError
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.provenance import tool_versions

if TYPE_CHECKING:
    from torch import Tensor


def import_official(checkpoint: Path, output: Path, *, command: str) -> Bundle:
    """Writes the `train` stage of `output`; ConfigError for a file that is no such checkpoint."""
    from safetensors.torch import save

    from slsg_edge.models.slsg.network import SlsgSpec, network_from_spec
    from slsg_edge.models.slsg.official import convert

    started = time.monotonic()
    check_name(output)
    spec, preprocessing = SlsgSpec("paper"), Preprocessing()
    expected = network_from_spec(spec, preprocessing.height, preprocessing.width).state_dict()
    weights = convert(_official_tensors(checkpoint), expected)
    manifest = Manifest("slsg", dataclasses.asdict(spec), preprocessing)
    return new_bundle(output, manifest).commit(
        "train",
        {"weights.safetensors": save({k: v.contiguous() for k, v in weights.items()})},
        command=command,
        started=started,
        tools=tool_versions("torch"),
        settings={"imported_sha256": hashlib.sha256(checkpoint.read_bytes()).hexdigest()},
    )


def _official_tensors(path: Path) -> "dict[str, Tensor]":
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ConfigError(
            f"Cannot read {path}: {error.strerror}.", fix="Check the path and its permissions."
        ) from error
    except (RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise ConfigError(
            f"{path} is no checkpoint that can be read safely: {str(error).splitlines()[0]}",
            fix="Give a state dict as torch.save writes it.",
        ) from error
    if not isinstance(content, dict) or not all(
        isinstance(value, torch.Tensor) for value in content.values()
    ):
        raise ConfigError(
            f"{path} holds no plain state dict.", fix="Give a *.tch file of the official code."
        )
    return content
