"""State dicts as files: safetensors to write, that or torch.save with `weights_only` to read."""

import pickle
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from slsg_edge.errors import ConfigError

# What the readers raise for a file that is cut short, noise, or a pickle with code in it.
DAMAGED_FILE_ERRORS = (
    SafetensorError,
    pickle.UnpicklingError,
    struct.error,
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
)

_LFS_POINTER = b"version https://git-lfs"


def read_state_dict(path: Path, *, fix: str) -> dict[str, Tensor]:
    """Tensors by name; ConfigError with `fix` for a file that holds anything else."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong is said below, in a sentence
            content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror or error}.", fix=fix) from error
    except DAMAGED_FILE_ERRORS as error:
        raise ConfigError(
            f"{path} is no weight file that can be read safely: {_why(path, error)}", fix=fix
        ) from error
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        raise ConfigError(f"{path} holds no plain state dict.", fix=fix)
    return content


def _why(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        if file.read(len(_LFS_POINTER)) == _LFS_POINTER:
            return "it only names a file that Git LFS keeps. `git lfs pull` fetches that."
    if isinstance(error, pickle.UnpicklingError):  # PyTorch's text asks to switch safety off
        return "it is no file of PyTorch, or holds more than tensors, as code."
    return first_line(error)


def weight_bytes(state: Mapping[str, Tensor]) -> bytes:
    """Safetensors, from whatever device and memory layout."""
    return save({name: tensor.cpu().contiguous() for name, tensor in state.items()})


def first_line(error: Exception) -> str:
    """PyTorch's messages go on for paragraphs."""
    return str(error).partition("\n")[0] or type(error).__name__
