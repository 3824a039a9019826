"""The content of image files: their hashes and thumbnails, remembered while a file is unchanged.

So a file is read once in a process for both: again only after its time, size or inode has changed.
"""

import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bounded import read_regular
from slsg_edge.data.survey.facts import thumbnail_of
from slsg_edge.errors import DatasetError
from slsg_edge.images import image_content, largest_file

_State = tuple[Path, int, int, int]

_MOST_HASHES = 2**17  # files: some 40 MB of memory at most
_MOST_THUMBNAILS = 2**14  # files: some 50 MB

_hashes: dict[_State, str] = {}


def content_hash(path: Path) -> str:
    """sha256 of a file, in hex; DatasetError when it cannot be read."""
    try:
        state = _state(path)
        return _hashes.get(state) or _remembered(state, read_regular(path, largest_file()))
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"Cannot read {path}: {getattr(error, 'strerror', None) or error}.",
            fix="Check that it exists and its permissions.",
        ) from error


def thumbnail(path: Path) -> NDArray[np.uint8] | None:
    """As `ImageFacts` has it, not to be written to; None of what is no whole image."""
    try:
        return _thumbnail_of_state(*_state(path))
    except OSError:
        return None


def fingerprint(hashes: Iterable[str]) -> str:
    """One sha256 for a set of images, whatever their order and names."""
    return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()


@functools.lru_cache(_MOST_THUMBNAILS)
def _thumbnail_of_state(
    path: Path, changed: int, size: int, inode: int
) -> NDArray[np.uint8] | None:
    try:
        content = image_content(path)
        _remembered((path, changed, size, inode), content)
        return thumbnail_of(content, path)
    except DatasetError:
        return None


def _state(path: Path) -> _State:
    found = path.stat()
    return path, found.st_mtime_ns, found.st_size, found.st_ino


def _remembered(state: _State, content: bytes) -> str:
    if len(_hashes) >= _MOST_HASHES:
        _hashes.clear()
    digest = hashlib.sha256(content).hexdigest()
    _hashes[state] = digest
    return digest
