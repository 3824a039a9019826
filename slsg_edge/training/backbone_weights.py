"""Where a trunk's first weights come from: a download, a file, or nowhere."""

import hashlib
import os
import pickle
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from slsg_edge.errors import ConfigError, StorageError
from slsg_edge.storage import write_atomically

URL = "https://download.pytorch.org/models/resnet18-f37072fd.pth"
DIGEST = "f37072fd"  # first 8 hex digits of the sha256, which torchvision puts in the name
OFFLINE = (
    "Download it elsewhere and give the file with --backbone-weights FILE, "
    "or train with --backbone-weights none."
)


def backbone_weights(source: str) -> Mapping[str, Tensor] | None:
    """`imagenet`, `none` or the path of a file: tensors by torchvision's names, None for none."""
    if source == "none":
        return None
    return _state_dict(imagenet_file() if source == "imagenet" else Path(source))


def imagenet_file() -> Path:
    """ResNet-18's ImageNet weights in the user's cache, downloaded once and checked."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    path = cache / "slsg-edge" / URL.rpartition("/")[2]
    if not path.exists():
        write_atomically(path, _download())
    return path


def _download() -> bytes:
    try:
        with urllib.request.urlopen(URL, timeout=30) as response:
            content: bytes = response.read()
    except (urllib.error.URLError, OSError) as error:
        raise StorageError(f"Cannot download {URL}: {error}.", fix=OFFLINE) from error
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(DIGEST):
        raise StorageError(f"{URL} has sha256 {found}, not {DIGEST}...", fix=OFFLINE)
    return content


def _state_dict(path: Path) -> Mapping[str, Tensor]:
    """Safetensors, or a state dict of torch.save read with `weights_only`."""
    if not path.is_file():
        raise ConfigError(
            f"There is no weight file {path}.", fix="Give `imagenet`, `none` or a file that exists."
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except (SafetensorError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise ConfigError(
            f"{path} is no safetensors file and no state dict: {str(error).splitlines()[0]}",
            fix="Give a state dict of ResNet-18 in torchvision's names.",
        ) from error
