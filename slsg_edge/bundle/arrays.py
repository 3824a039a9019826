"""Arrays in .npz files that may come from anywhere: what a file only claims is not allocated."""

import io
import math
import zipfile
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

LIMIT = 512 * 2**20  # bytes, packed or not: 8 golden frames of 1024 x 1024 are 60 MB
_PLAIN = 32 * 2**20  # bytes that may come of whatever is packed
_MOST_PACKED = 100  # pictures and maps pack to a half or a tenth

# What reading one raises that this version did not write.
DAMAGE = (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, RuntimeError)


def stored_arrays(content: bytes, names: Sequence[str]) -> list[NDArray[Any]]:
    """The arrays of these names; any of DAMAGE for what is none or larger than it may be."""
    if len(content) > LIMIT:
        raise ValueError(f"it is larger than {LIMIT >> 20} MiB")
    with zipfile.ZipFile(io.BytesIO(content)) as stored:
        members = [stored.getinfo(f"{name}.npy") for name in names]
        most = min(LIMIT, max(_PLAIN, _MOST_PACKED * len(content)))
        if sum(member.file_size for member in members) > most:
            raise ValueError(f"it unpacks to more than {most >> 20} MiB")
        return [_array(stored, member) for member in members]


def _array(stored: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with stored.open(member) as opened:
        head = opened.read(2**16)  # a header of ours takes 128 bytes
        _require_room(io.BytesIO(head), member.file_size)
        content = head + opened.read(member.file_size - len(head))
    return np.asarray(npy.read_array(io.BytesIO(content), allow_pickle=False))


def _require_room(head: IO[bytes], size: int) -> None:
    """ValueError unless the array that the header claims is what the member holds."""
    version = npy.read_magic(head)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, kind = read(head)
    if math.prod(shape) * kind.itemsize != size - head.tell():
        raise ValueError("an array is not as large as it says")
