"""Where a trunk's first weights come from: a download, a file, or nowhere."""

import hashlib
import os
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path

from torch import Tensor

from slsg_edge.errors import StorageError
from slsg_edge.models.weight_files import read_state_dict
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
    path = imagenet_file() if source == "imagenet" else Path(source)
    return read_state_dict(
        path, fix="Give `imagenet`, `none` or a ResNet-18 in torchvision's names."
    )


def imagenet_file() -> Path:
    """ResNet-18's ImageNet weights in the user's cache, downloaded once and checked."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    path = cache / "slsg-edge" / URL.rpartition("/")[2]
    if not path.exists() or not _is_whole(path.read_bytes()):
        write_atomically(path, _download())
    return path


def _download() -> bytes:
    try:
        with urllib.request.urlopen(URL, timeout=30) as response:
            content: bytes = response.read()
    except (OSError, HTTPException) as error:
        raise StorageError(f"Cannot download {URL}: {error}.", fix=OFFLINE) from error
    if not _is_whole(content):
        raise StorageError(f"What {URL} sent has not the sha256 {DIGEST}...", fix=OFFLINE)
    return content


def _is_whole(content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest().startswith(DIGEST)
